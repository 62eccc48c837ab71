import { expect, onTestFinished, test } from 'vitest'
import { HookClient } from '../../../src/delivery/hook-client.ts'
import { readHook } from '../../support/hooks.ts'
import { ShiftedClock } from '../../support/manual-clock.ts'
import { startRawReceiver } from '../../support/raw-receiver.ts'
import { until } from '../../support/until.ts'
import { EMPTY, delivery, verdictOf } from './sending.ts'

function clientWith(clock: ShiftedClock, url: string): HookClient {
  const client = new HookClient(readHook({ name: 'one', url, timeoutMs: 15_000 }), clock)
  onTestFinished(() => client.close())
  return client
}

test('nothing is sent over a connection that was made while the process stood still for longer than a lease', async () => {
  const clock = new ShiftedClock()
  let bytes = 0
  const receiver = await startRawReceiver((socket) => {
    bytes++
    socket.write(EMPTY)
  })
  const attempt = clientWith(clock, receiver.url).send(delivery)
  clock.skip(60_000)
  expect(verdictOf(await attempt.outcome)).toEqual(['interrupted', null, 'interrupted'])
  await receiver.allClosed()
  expect(bytes).toBe(0)
})

test('an answer that is read after such a stall counts', async () => {
  const clock = new ShiftedClock()
  const receiver = await startRawReceiver(() => {})
  const attempt = clientWith(clock, receiver.url).send(delivery)
  const socket = await until('the request', () => receiver.sockets.find(({ bytesRead }) => bytesRead > 0))
  clock.skip(60_000)
  socket.write(EMPTY)
  expect(verdictOf(await attempt.outcome)).toEqual(['delivered', 200, null])
})
