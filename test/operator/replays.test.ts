import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

test('all dead letters of a hook are replayed, and the replay is in their history', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver))
  const events = Array.from({ length: 30 }, () => credentialEvent())
  await Promise.all(events.map((event) => relay.send(event)))
  await until('all to be dead', async () => (await deadCount(relay)) === 30)
  receiver.behaviour = 204
  expect(await relay.app.countReplay({ hook: 'one' })).toBe(30)
  const { id, wouldReplay } = await relay.app.replay({ hook: 'one' })
  expect(wouldReplay).toBe(30)
  await receiver.hasReceived(60)
  const finished = await relay.logged('replay finished')
  expect(finished).toMatchObject({ replay: id, hook: 'one', would_replay: 30, replayed: 30 })
  expect(relay.logLines.filter(({ msg }) => msg === 'replay began')).toHaveLength(1)
  expect(await relay.app.findReplay(id)).toMatchObject({ state: 'finished', replayed: 30, error: null })
  const [history] = await until('it to be settled', async () => {
    const found = await relay.app.reader.deliveriesOf(events[0]?.event_id as string)
    return found[0]?.state === 'delivered' ? found : null
  })
  expect(history).toMatchObject({ hook: 'one', attempts: 2, replays: 1 })
  expect(history?.records.map(({ status, errorCode }) => [status, errorCode])).toEqual([
    [410, 'gone'],
    [204, null],
  ])
})

test('one event that was delivered is replayed by its id, and no other is', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const events = [credentialEvent(), credentialEvent()]
  for (const event of events) await relay.send(event)
  await until('both to be delivered', async () =>
    (await relay.metrics()).includes('seam_relay_deliveries_settled_total{hook="one",state="delivered"} 2'),
  )
  expect(await relay.app.replay({ webhookIds: [events[1]?.event_id as string] })).toMatchObject({
    wouldReplay: 1,
  })
  await receiver.hasReceived(3)
  expect(receiver.received[2]?.headers).toMatchObject({
    'webhook-id': events[1]?.event_id,
    'seam-relay-attempt': '2',
  })
})

test('a hook that is added later can be given the events from before, as far as it wants them', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay()
  const issued = credentialEvent({ event_type: 'acs_credential.issued' })
  const deleted = credentialEvent({ event_type: 'acs_credential.deleted' })
  for (const event of [issued, deleted]) await relay.send(event)
  const late = { name: 'late', url: receiver.url, events: ['acs_credential.deleted'] }
  relay.app.setHooks(readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS: JSON.stringify([late]) }).hooks)
  expect(await relay.app.countMissing('late', {})).toBe(1)
  expect(await relay.app.replayMissing('late', {})).toMatchObject({ wouldReplay: 1 })
  await relay.logged('replay finished')
  expect(await relay.app.replayMissing('late', {})).toMatchObject({ wouldReplay: 0 })
  expect(await relay.app.replayMissing('nobody', {})).toBeNull()
  expect(await relay.app.countMissing('nobody', {})).toBeNull()
  await receiver.hasReceived(1)
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([deleted.event_id])
})

test('a replay that was asked to go slowly is cancelled midway, and what it put back stays so', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver))
  await Promise.all(Array.from({ length: 20 }, () => relay.send(credentialEvent())))
  await until('all to be dead', async () => (await deadCount(relay)) === 20)
  receiver.behaviour = 204
  const { id } = await relay.app.replay({}, { perSecond: 1 })
  await receiver.hasReceived(21)
  expect(await relay.app.cancelReplay(id)).toMatchObject({ state: 'cancelled', wouldReplay: 20 })
  expect(await relay.logged('replay cancelled')).toMatchObject({ replay: id, would_replay: 20 })
  const { replayed } = (await relay.app.findReplay(id)) as { replayed: number }
  expect(replayed).toBeLessThan(20)
  await until('what was put back to be delivered', () => receiver.received.length === 20 + replayed)
  expect(await deadCount(relay)).toBe(20 - replayed)
  expect(await relay.app.cancelReplay('nothing')).toBeNull()
})

test('a replay goes on after a restart where it was, and sends nothing twice', async () => {
  const receiver = await startReceiver(410)
  const first = await startRelay(hookTo(receiver))
  await Promise.all(Array.from({ length: 30 }, () => first.send(credentialEvent())))
  await until('all to be dead', async () => (await deadCount(first)) === 30)
  receiver.behaviour = 204
  // Two steps of ten deliveries in a second, so that the stop comes midway.
  const { id } = await first.app.replay({}, { perSecond: 10 })
  await receiver.hasReceived(32)
  await first.app.stop()
  const DATABASE_URL = `sqlite:${first.databasePath}`
  const second = await startRelay({ ...hookTo(receiver), DATABASE_URL })
  expect(await second.logged('replay finished')).toMatchObject({ replay: id, replayed: 30 })
  await receiver.hasReceived(60)
  const ids = receiver.received.slice(30).map(({ headers }) => headers['webhook-id'])
  expect(new Set(ids).size).toBe(30)
})

test('what a removed hook has pending is discarded and then leaves with its event, a configured one is refused', async () => {
  const receiver = await startReceiver(500)
  const slow = { retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } }
  const relay = await startRelay(hookTo(receiver, slow))
  const events = Array.from({ length: 150 }, () => credentialEvent())
  await Promise.all(events.map((event) => relay.send(event)))
  const historyOf = async (n: number) =>
    (await relay.app.reader.deliveriesOf(events[n]?.event_id as string))[0]
  expect(await relay.app.discard('one')).toEqual({ outcome: 'still_configured' })
  relay.app.setHooks([])
  let discarded = 0
  await until('all to be discarded', async () => {
    const result = await relay.app.discard('one')
    if (result.outcome === 'discarded') discarded += result.discarded
    return discarded === 150
  })
  expect(await historyOf(0)).toMatchObject({ state: 'dead', endedCode: 'discarded' })
  expect(await relay.app.countReplay({ code: 'discarded' })).toBe(150)
  expect(await relay.logged('deliveries of a removed hook discarded')).toMatchObject({ hook: 'one' })
  await relay.app.store.prune({ payloadAgeMs: -1, dedupAgeMs: 3_600_000, limit: 1000 })
  expect(await historyOf(0)).toBeUndefined()
})

async function deadCount(relay: Relay): Promise<number | undefined> {
  return (await relay.app.reader.stats())[0]?.dead
}
