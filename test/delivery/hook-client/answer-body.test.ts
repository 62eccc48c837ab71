import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { endless, length, saying, startRawReceiver } from '../../support/raw-receiver.ts'
import { startReceiver } from '../../support/relay.ts'
import { until } from '../../support/until.ts'
import { OK, send, verdictOf } from './sending.ts'

test('a redirect is not followed', async () => {
  const target = await startReceiver()
  const receiver = await startReceiver((_request, response) =>
    response.writeHead(307, { location: target.url }).end(),
  )
  const outcome = await send(receiver.url)
  expect(outcome).toMatchObject({ kind: 'failed', record: { status: 307, errorCode: 'redirect' } })
  expect(receiver.received).toHaveLength(1)
  expect(target.received).toHaveLength(0)
})

test.each([
  [0, null],
  [65_536, null],
  [65_537, 'response_incomplete'],
])('of an answer of %d bytes the first KiB is kept and 64 KiB are read: %j', async (bytes, errorCode) => {
  const receiver = await startRawReceiver(saying(`${OK}${length(bytes)}\r\n${'x'.repeat(bytes)}`))
  const outcome = await send(receiver.url)
  expect(verdictOf(outcome)).toEqual(['delivered', 200, errorCode])
  expect(outcome.record.answer === null ? '' : Buffer.from(outcome.record.answer).toString()).toBe(
    'x'.repeat(Math.min(bytes, 1024)),
  )
})

test('of an answer without end no more is read than the buffers of the sockets hold', async () => {
  const receiver = await startRawReceiver(endless(`${OK}\r\n`, 'x'.repeat(1000)))
  await send(receiver.url)
  const socket = receiver.sockets[0] as Socket
  await until('the connection to be closed', () => socket.destroyed)
  expect(socket.bytesWritten).toBeLessThan(64 * 1024 * 1024)
})
