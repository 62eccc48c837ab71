import { expect, test, vi } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test('what comes while nothing waits goes out without a claim, as its first attempt', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const claimed = await watchClaims(relay)
  const event = credentialEvent()
  await relay.send(event)
  const [request] = await receiver.hasReceived(1)
  expect(request?.headers).toMatchObject({ 'webhook-id': event.event_id, 'seam-relay-attempt': '1' })
  await until('it to be settled', async () => (await stateOf(relay, event.event_id)) === 'delivered')
  expect(claimed).toEqual([])
})

test('what fails is tried again through claims', async () => {
  const receiver = await startReceiver(500)
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 20, maxDelayMs: 40 } }))
  const claimed = await watchClaims(relay)
  const event = credentialEvent()
  await relay.send(event)
  await receiver.hasReceived(3)
  expect(receiver.received.map(({ headers }) => headers['seam-relay-attempt']).slice(0, 3)).toEqual([
    '1',
    '2',
    '3',
  ])
  expect(claimed).not.toContain(1)
})

test('duplicates and refusals give their place back', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver, { concurrency: 2 }))
  await watchClaims(relay)
  const event = credentialEvent()
  for (let n = 0; n < 5; n++) await relay.send(event)
  const accept = vi.spyOn(relay.app.store, 'accept').mockRejectedValue(new Error('the disk is full'))
  for (let n = 0; n < 5; n++) expect((await relay.send(credentialEvent())).status).toBe(500)
  accept.mockRestore()
  const others = Array.from({ length: 10 }, () => credentialEvent())
  await Promise.all(others.map((other) => relay.send(other)))
  await receiver.hasReceived(11)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([event, ...others].map(({ event_id }) => event_id)),
  )
})

test('what has a place when the relay is stopped is still sent and settled', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  await watchClaims(relay)
  const { store } = relay.app
  const accept = store.accept.bind(store)
  let goOn = () => {}
  const held = new Promise<void>((resolve) => (goOn = resolve))
  vi.spyOn(store, 'accept').mockImplementation(async (request) => {
    const result = await accept(request)
    await held
    return result
  })
  const event = credentialEvent()
  const sending = relay.send(event)
  await until('it to be on disk', async () => (await stateOf(relay, event.event_id)) === 'leased')
  const stopped = relay.app.stop()
  goOn()
  expect((await sending).status).toBe(202)
  await stopped
  expect(receiver.received).toHaveLength(1)
  expect(relay.logLines.filter(({ msg }) => msg === 'delivered')).toHaveLength(1)
})

/** Waits until the engine knows that nothing is due, and then notes the attempts that claims give. */
async function watchClaims(relay: Relay): Promise<number[]> {
  const claimed: number[] = []
  const { store } = relay.app
  const claim = store.claim.bind(store)
  let isCaughtUp = false
  vi.spyOn(store, 'claim').mockImplementation(async (wants) => {
    const result = await claim(wants)
    isCaughtUp ||= result.deliveries.length === 0
    claimed.push(...result.deliveries.map(({ attempt }) => attempt))
    return result
  })
  // Wakes the engine.
  await relay.app.replay({})
  await until('a claim to find nothing', () => isCaughtUp)
  return claimed
}

async function stateOf(relay: Relay, eventId: string): Promise<string | undefined> {
  return (await relay.app.store.deliveriesOf(eventId))[0]?.state
}
