import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

const BODY_LIMIT_BYTES = 262_144

describe('an address from which nothing verified has come', () => {
  test('has no more forged bodies looked at than its limit, however many come at once', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '5' })
    const forge = () => relay.post(signedWebhook(newSecret(), 'x'.repeat(10_000)))
    const answers = await Promise.all(Array.from({ length: 60 }, forge))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(55)
  })

  test('may be a new sender: all of its first webhooks are taken, however many come at once', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '2' })
    const answers = await Promise.all(Array.from({ length: 100 }, () => relay.send(credentialEvent())))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  })

  test('is told to come back after two seconds of waiting behind bodies that do not arrive', async () => {
    const clock = new ManualClock()
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '1' }, clock)
    openBody(relay, '127.0.0.1')
    const waiting = relay.send(credentialEvent())
    let answered = false
    void waiting.then(() => (answered = true))
    await until('the answer', () => {
      clock.advance(100)
      return answered
    })
    expect(await waiting).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect((await waiting).headers.get('retry-after')).toBe('5')
  })

  test('cannot fill the memory with bodies left open, nor hold up another sender', async () => {
    const relay = await startRelay()
    const open = Array.from({ length: 300 }, () => openBody(relay, '127.0.0.2'))
    await until('some to be refused', () => open.some(({ answer }) => answer.includes('HTTP/1.1 503')))
    expect((await relay.send(credentialEvent())).status).toBe(202)
    const answers = () => open.map(({ answer }) => answer).filter((answer) => answer !== '')
    await until('all that find no room to be refused', () => answers().length >= 100)
    expect(new Set(answers().map((answer) => answer.slice(9, 12)))).toEqual(new Set(['503']))
    expect(answers()[0]).toMatch(/retry-after: 5.*"code":"unavailable"/is)
  })
})

describe('an address from which webhooks were verified', () => {
  test('is refused before more is read when its bodies have no room, and slow ones make room', async () => {
    const clock = new ManualClock()
    const relay = await startRelay({ BODY_LIMIT_BYTES: '16777216' }, clock)
    expect((await relay.send(credentialEvent())).status).toBe(202)
    // With this limit on a body there is room for 64 MiB.
    const open = Array.from({ length: 5 }, () => openBody(relay, '127.0.0.1', 16_777_216))
    const refused = await until('the fifth to be refused', () => open.find(({ answer }) => answer !== ''))
    expect(refused.answer).toContain('HTTP/1.1 503')
    clock.advance(1000)
    const more = JSON.stringify(credentialEvent({ more: 'x'.repeat(8_000_000) }))
    expect((await relay.send(more)).status).toBe(202)
    await until(
      'one of the slow ones to be cut',
      () => open.filter(({ answer }) => answer !== '').length === 2,
    )
  })
})

test('a body that ends before its content-length is a counter and no error', async () => {
  const relay = await startRelay()
  const { socket } = openBody(relay, '127.0.0.1', 1000)
  await new Promise((resolve) => setImmediate(resolve))
  socket.end()
  await until('it to be counted', () =>
    relay.metric('seam_relay_webhooks_total', { outcome: 'body_incomplete' }),
  )
  expect(relay.logLines.filter(({ msg }) => msg === 'unexpected error')).toEqual([])
})

test('refusals in a flood do not fill the log', async () => {
  const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '1' })
  await Promise.all(Array.from({ length: 100 }, () => relay.post(signedWebhook(newSecret(), '{}'))))
  await relay.app.stop()
  expect(relay.logLines.filter(({ msg }) => msg === 'webhook refused')).toHaveLength(10)
  const summary = relay.logLines.filter(({ msg }) => msg === 'more webhooks refused')
  expect(summary).toMatchObject([{ refused: { rate_limited: expect.any(Number) } }])
})

/** Sends all of a forged body but its last byte, from this loopback address. */
function openBody(
  relay: Relay,
  localAddress: string,
  bytes = BODY_LIMIT_BYTES,
): { socket: Socket; answer: string } {
  const { headers } = signedWebhook(newSecret(), '')
  const lines = Object.entries({ ...headers, 'content-length': String(bytes) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  const { hostname, port } = new URL(relay.url)
  const socket = connect({ host: hostname, port: Number(port), localAddress })
  const opened = { socket, answer: '' }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => (opened.answer += chunk.toString('latin1')))
  socket.write(`POST /webhooks/seam HTTP/1.1\r\nhost: x\r\n${lines}\r\n`)
  socket.write(Buffer.alloc(bytes - 1, 'x'))
  onTestFinished(() => void socket.destroy())
  return opened
}
