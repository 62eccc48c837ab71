import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

// Due deliveries are found without the poll: here it never comes, because the clock does not get that far.
const BEFORE_THE_POLL_MS = 900

test('a retry is made when it is due, though its outcome is written after the next claim', async () => {
  const receiver = await startReceiver(500)
  const clock = new ManualClock()
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 20, maxDelayMs: 40 } }), clock)
  settleAfterTheNextClaim(relay)
  await relay.send(credentialEvent())
  let passedMs = 0
  await until('four attempts', () => {
    clock.advance(5)
    passedMs += 5
    return receiver.received.length >= 4
  })
  expect(passedMs).toBeLessThan(BEFORE_THE_POLL_MS)
})

test('in order, the next goes out when the one before it has ended, though that is written after the next claim', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver, { ordering: 'credential' }), new ManualClock())
  settleAfterTheNextClaim(relay)
  const acs_credential_id = randomUUID()
  const events = Array.from({ length: 4 }, () => credentialEvent({ acs_credential_id }))
  for (const event of events) await relay.send(event)
  const received = await receiver.hasReceived(4)
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(events.map(({ event_id }) => event_id))
  // A stop ends the claims that the last outcome would wait for.
  await until('all to be written', () => relay.logLines.filter(({ msg }) => msg === 'delivered').length === 4)
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
  vi.spyOn(store, 'settle').mockImplementation(async (batch) => {
    const before = claims
    // Whether or not it is awake.
    relay.wakeDelivery()
    await until('a claim before it', () => claims > before)
    return settle(batch)
  })
}
