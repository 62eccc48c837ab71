import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

test('all dead letters of a hook are replayed in one step, and the replay is in their history', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver))
  const events = Array.from({ length: 30 }, () => credentialEvent())
  await Promise.all(events.map((event) => relay.send(event)))
  await until('all to be dead', async () =>
    (await relay.metrics()).includes('seam_relay_deliveries_dead{hook="one"} 30'),
  )
  receiver.behaviour = 204
  expect(await relay.app.replay({ hook: 'one' })).toEqual({ replayed: 30 })
  await receiver.hasReceived(60)
  const [history] = await until('it to be settled', async () => {
    const found = await relay.app.store.deliveriesOf(events[0]?.event_id as string)
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
  expect(await relay.app.replay({ webhookIds: [events[1]?.event_id as string] })).toEqual({ replayed: 1 })
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
  expect(await relay.app.replayMissing('late', {})).toEqual({ replayed: 1 })
  expect(await relay.app.replayMissing('late', {})).toEqual({ replayed: 0 })
  expect(await relay.app.replayMissing('nobody', {})).toBeNull()
  await receiver.hasReceived(1)
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([deleted.event_id])
})
