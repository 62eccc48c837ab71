import { randomUUID } from 'node:crypto'
import { beforeEach, expect, test, vi } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

// What becomes due is found without the poll: here that never comes.
beforeEach(() => {
  const { setTimeout } = globalThis
  const isPoll = (ms: number | undefined) => ms === 1000
  const spy = vi.spyOn(globalThis, 'setTimeout')
  spy.mockImplementation(((run: () => void, ms?: number) =>
    setTimeout(run, isPoll(ms) ? 1_000_000_000 : ms)) as typeof globalThis.setTimeout)
  return () => spy.mockRestore()
})

test('a retry is made when it is due, though its outcome is written after the next claim', async () => {
  const receiver = await startReceiver(500)
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 20, maxDelayMs: 40 } }))
  settleAfterTheNextClaim(relay)
  await relay.send(credentialEvent())
  expect(await receiver.hasReceived(4)).not.toHaveLength(0)
})

test('in order, the next goes out when the one before it has ended, though that is written after the next claim', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver, { ordering: 'credential' }))
  settleAfterTheNextClaim(relay)
  const acs_credential_id = randomUUID()
  const events = Array.from({ length: 4 }, () => credentialEvent({ acs_credential_id }))
  for (const event of events) await relay.send(event)
  const received = await receiver.hasReceived(4)
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(events.map(({ event_id }) => event_id))
})

/** As in a database where the two go over connections of their own. */
function settleAfterTheNextClaim(relay: Relay): void {
  const { store } = relay.app
  const { claim, settle } = { claim: store.claim.bind(store), settle: store.settle.bind(store) }
  let claims = 0
  vi.spyOn(store, 'claim').mockImplementation(async (wants) => {
    const result = await claim(wants)
    claims++
    return result
  })
  vi.spyOn(store, 'settle').mockImplementation(async (lot) => {
    const before = claims
    // Wakes the engine, whether or not it is awake.
    await relay.app.replay({})
    await until('a claim before it', () => claims > before)
    return settle(lot)
  })
}
