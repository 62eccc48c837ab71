import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listen, startRawReceiver } from '../../support/raw-receiver.ts'
import { until } from '../../support/until.ts'
import { SHORT_MS, SOON_MS, clientOf, delivery, send, verdictOf } from './sending.ts'

test('a closed port ends the attempt with connection_refused', async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  for (const host of ['127.0.0.1', 'localhost']) {
    const outcome = await send(`http://${host}:${port}/`)
    expect(verdictOf(outcome)).toEqual(['failed', null, 'connection_refused'])
    expect(outcome.record.durationMs).toBeLessThan(SOON_MS)
  }
})

test('an unknown host ends the attempt with dns_failed', async () => {
  const outcome = await send('http://nowhere.invalid/')
  expect(verdictOf(outcome)).toEqual(['failed', null, 'dns_failed'])
})

test('a connection that hangs while it is made ends the attempt with timeout, and is closed', async () => {
  const receiver = await startRawReceiver(() => {})
  const outcome = await send(secure(receiver.url), { timeoutMs: SHORT_MS })
  expect(verdictOf(outcome)).toEqual(['failed', null, 'timeout'])
  expect(outcome.record.durationMs).toBeLessThan(SOON_MS)
  await receiver.allClosed()
})

test('closing the client closes a connection that is still being made', async () => {
  const receiver = await startRawReceiver(() => {})
  const client = clientOf(secure(receiver.url))
  const attempt = client.send(delivery)
  await until('the connection', () => receiver.open.size === 1)
  attempt.interrupt()
  expect(await attempt.outcome).toMatchObject({ kind: 'interrupted', record: { errorCode: 'interrupted' } })
  await client.close()
  await receiver.allClosed()
})

const tls = { cert: fixture('expired-cert.pem'), key: fixture('expired-key.pem') }

test('an expired certificate ends the attempt with tls_failed, and nothing is sent', async () => {
  let requests = 0
  const port = await listen(createHttpsServer(tls, (_request, response) => response.end(String(++requests))))
  const outcome = await send(`https://localhost:${port}/`)
  expect(verdictOf(outcome)).toEqual(['failed', null, 'tls_failed'])
  expect(requests).toBe(0)
})

test('TLS to a receiver that speaks plain HTTP ends the attempt with tls_failed', async () => {
  const port = await listen(createHttpServer((_request, response) => response.end()))
  const outcome = await send(`https://127.0.0.1:${port}/`)
  expect(verdictOf(outcome)).toEqual(['failed', null, 'tls_failed'])
})

test('a receiver that closes during the TLS handshake ends the attempt with connection_reset', async () => {
  const receiver = await startRawReceiver((socket) => socket.end())
  const outcome = await send(secure(receiver.url))
  expect(verdictOf(outcome)).toEqual(['failed', null, 'connection_reset'])
})

test('plain HTTP to a receiver that wants TLS ends the attempt with connection_reset', async () => {
  const port = await listen(createHttpsServer(tls, (_request, response) => response.end()))
  const outcome = await send(`http://127.0.0.1:${port}/`)
  expect(verdictOf(outcome)).toEqual(['failed', null, 'connection_reset'])
})

function secure(url: string): string {
  return url.replace('http:', 'https:')
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')
}
