import { expect, test } from 'vitest'
import { startReceiver, startRelay, hookTo } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { KEY, eventFrom, reconciling, seam } from './support.ts'

// What Seam's API may do although nobody documents it, and what its own fake does.

const MINUTE_MS = 60_000

test.each([400, 404, 500])(
  'where Seam does not say which workspace a key belongs to (%d), its events are found all the same',
  async (status) => {
    const stub = await seam()
    stub.intercept = ({ path }) => (path === '/workspaces/get' ? { status } : null)
    const events = [eventFrom(10 * MINUTE_MS), eventFrom(5 * MINUTE_MS)]
    stub.eventsOf(KEY).push(...events)
    const receiver = await startReceiver()
    const relay = await startRelay(reconciling(stub, { ...hookTo(receiver), RECONCILE_INTERVAL_S: '1' }))
    await receiver.hasReceived(2)

    stub.intercept = null
    const rows = async () =>
      (await relay.app.reader.reconciliationState({ findingsSince: 0 })).workspaces.map(
        (one) => one.recovered,
      )
    const asked = stub.asked('/workspaces/get').length
    await until('a pass that knows the workspace', () => stub.asked('/workspaces/get').length > asked + 1)
    expect(await rows()).toEqual([2])
  },
)

test('a workspace that is not named by a UUID cannot be another one than the events name', async () => {
  const stub = await seam()
  stub.addKey('key_of_the_fake', 'workspace1')
  stub.eventsOf('key_of_the_fake').push(eventFrom(MINUTE_MS))
  const receiver = await startReceiver()
  await startRelay(reconciling(stub, { ...hookTo(receiver), SEAM_API_KEY: 'key_of_the_fake' }))
  expect(await receiver.hasReceived(1)).toHaveLength(1)
})

test('a clock of Seam’s that was a day ahead for a while confirms no time that has not come', async () => {
  const stub = await seam()
  stub.clockAheadMs = 86_400_000
  const receiver = await startReceiver()
  await startRelay(reconciling(stub, { ...hookTo(receiver), RECONCILE_INTERVAL_S: '1' }))
  await until('two passes', () => stub.asked('/workspaces/get').length > 2)
  stub.clockAheadMs = 0
  stub.eventsOf(KEY).push(eventFrom(MINUTE_MS))
  expect(await receiver.hasReceived(1)).toHaveLength(1)
})

test('a maximum of Seam’s own that is below what was asked for hides nothing', async () => {
  const stub = await seam()
  stub.maxLimit = 100
  const events = Array.from({ length: 450 }, (_, n) => eventFrom(70 * MINUTE_MS - n * 7000))
  stub.eventsOf(KEY).push(...events)
  const receiver = await startReceiver()
  await startRelay(reconciling(stub, hookTo(receiver)))
  await receiver.hasReceived(450)
  expect(receiver.ids.toSorted()).toEqual(events.map(({ event_id }) => event_id).toSorted())
})

test.each(['is ignored', 'is refused'] as const)(
  'a round number of events in one millisecond is no gap where the offset %s',
  async (offset) => {
    const stub = await seam()
    stub.offset = offset
    const created_at = new Date(Date.now() - MINUTE_MS).toISOString()
    const events = Array.from({ length: 100 }, () => eventFrom(0, { created_at }))
    stub.eventsOf(KEY).push(...events)
    const relay = await startRelay(reconciling(stub))
    expect(await relay.logged('events missed')).toMatchObject({ missed: 100 })
    const { findings } = await relay.app.reader.reconciliationState({ findingsSince: 0 })
    expect(findings.map(({ kind }) => kind)).toEqual(['missed'])
  },
)
