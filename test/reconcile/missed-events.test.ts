import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { hooksOf } from '../support/hooks.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { KEY, WORKSPACE, eventFrom, expectOnce, reconciling, seam } from './support.ts'

const MINUTE_MS = 60_000

test('what happened while the service was down is delivered once, and said in one line', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const events = Array.from({ length: 12 }, (_, index) => eventFrom((60 - index) * MINUTE_MS))
  stub.eventsOf(KEY).push(...events)
  const relay = await startRelay({ ...reconciling(stub), ...hookTo(receiver) })
  const line = await relay.logged('events missed')
  expect(line).toMatchObject({ workspace_id: WORKSPACE, missed: 12, recovered: 12 })
  expect(line['summary']).toMatch(/^12 events missed between .*\d\d:\d\d and .*\d\d:\d\d, all recovered$/)
  await receiver.hasReceived(12)
  expectOnce(receiver.ids, events)
  expect(relay.logLines.filter(({ msg }) => msg === 'events missed')).toHaveLength(1)
  // The bytes that Seam wrote.
  const bodies = new Set(receiver.received.map(({ body }) => body))
  expect(bodies).toEqual(new Set(events.map((event) => JSON.stringify(event))))
})

test('what a webhook brought is known, and neither stored nor delivered again', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const event = eventFrom(1000)
  const relay = await startRelay({ ...reconciling(stub, { RECONCILE_INTERVAL_S: '1' }), ...hookTo(receiver) })
  await relay.send(event)
  stub.eventsOf(KEY).push(event)
  await until(
    'it to be compared',
    async () =>
      ((await relay.metric('seam_relay_reconcile_checked_total', { workspace: WORKSPACE })) ?? 0) > 0,
  )
  await receiver.hasReceived(1)
  expect(receiver.ids).toEqual([event.event_id])
  expect(await relay.metric('seam_relay_reconcile_missed_total', { workspace: WORKSPACE })).toBe(0)
})

test('5,000 events in one window, and an answer that holds 500 in no order, are all taken in', async () => {
  const stub = await seam()
  stub.order = 'none'
  const events = Array.from({ length: 5000 }, (_, index) => eventFrom(60 * MINUTE_MS - index * 500))
  stub.eventsOf(KEY).push(...events)
  const relay = await startRelay(reconciling(stub))
  expect(await relay.logged('events missed')).toMatchObject({ missed: 5000, recovered: 5000 })
  expect(relay.logLines.filter(({ msg }) => msg === 'accepted')).toHaveLength(5000)
})

test('1,200 events of one and the same moment are read page by page', async () => {
  const stub = await seam()
  const created_at = new Date(Date.now() - 10 * MINUTE_MS).toISOString()
  stub.eventsOf(KEY).push(...Array.from({ length: 1200 }, () => eventFrom(0, { created_at })))
  const relay = await startRelay(reconciling(stub))
  expect(await relay.logged('events missed')).toMatchObject({ missed: 1200, recovered: 1200 })
  expect(relay.logLines.some(({ msg }) => msg === 'events may be missing')).toBe(false)
})

test.each(['is ignored', 'is refused'] as const)(
  'where an offset %s, such a moment is a gap that has a name, and what Seam did list is taken in',
  async (offset) => {
    const stub = await seam()
    stub.offset = offset
    const at = Date.now() - 10 * MINUTE_MS
    const created_at = new Date(at).toISOString()
    const later = eventFrom(5 * MINUTE_MS)
    stub.eventsOf(KEY).push(...Array.from({ length: 1200 }, () => eventFrom(0, { created_at })), later)
    const relay = await startRelay(reconciling(stub))
    expect(await relay.logged('events may be missing')).toMatchObject({
      workspace_id: WORKSPACE,
      since: created_at,
      until: new Date(at + 1).toISOString(),
    })
    expect(await relay.logged('events missed')).toMatchObject({ missed: 501, recovered: 501 })
    const { findings } = await relay.app.reader.reconciliationState({ findingsSince: 0 })
    expect(findings.filter(({ kind }) => kind === 'gap')).toMatchObject([{ since: at, until: at + 1 }])
  },
)

test('a gap is told once, however many passes come upon it again', async () => {
  const stub = await seam()
  stub.offset = 'is refused'
  const created_at = new Date(Date.now() - MINUTE_MS).toISOString()
  stub.eventsOf(KEY).push(...Array.from({ length: 501 }, () => eventFrom(0, { created_at })))
  const relay = await startRelay(reconciling(stub, { RECONCILE_INTERVAL_S: '1' }))
  await relay.logged('events may be missing')
  for (let pass = 0; pass < 2; pass++) {
    const later = eventFrom(0)
    stub.eventsOf(KEY).push(later)
    await until('a later pass to take it in', async () =>
      relay.logLines.some(({ msg, event_id }) => msg === 'accepted' && event_id === later.event_id),
    )
  }
  expect(relay.logLines.filter(({ msg }) => msg === 'events may be missing')).toHaveLength(1)
})

test.each([120_000, -120_000])(
  "Seam's clock is %d ms ahead: nothing is missed wrongly, and nothing passed over",
  async (aheadMs) => {
    const [stub, receiver] = [await seam(), await startReceiver()]
    stub.clockAheadMs = aheadMs
    const settings = reconciling(stub, { RECONCILE_INTERVAL_S: '1', RECONCILE_SETTLE_S: '2' })
    const relay = await startRelay({ ...settings, ...hookTo(receiver) })
    const before = eventFrom(-aheadMs + 3000)
    const after = eventFrom(-aheadMs)
    stub.eventsOf(KEY).push(before, after)
    await relay.logged('events missed')
    expect(receiver.ids).not.toContain(after.event_id)
    // By its age it could still come as a webhook.
    await relay.send(after)
    const checked = () => relay.metric('seam_relay_reconcile_checked_total', { workspace: WORKSPACE })
    const asOfNow = (await checked()) ?? 0
    await until('both to be compared again', async () => ((await checked()) ?? 0) >= asOfNow + 2)
    await receiver.hasReceived(2)
    expectOnce(receiver.ids, [before, after])
    expect(await relay.metric('seam_relay_reconcile_missed_total', { workspace: WORKSPACE })).toBe(1)
  },
)

test('an event that Seam tells differently goes into quarantine once, and the first stays', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const relay = await startRelay({ ...reconciling(stub, { RECONCILE_INTERVAL_S: '1' }), ...hookTo(receiver) })
  const event = eventFrom(1000)
  await relay.send(event)
  stub.eventsOf(KEY).push({ ...event, acs_credential_id: randomUUID() })
  await relay.logged('quarantined')
  const asked = stub.asked('/events/list').length
  await until('it to be read again', () => stub.asked('/events/list').length > asked + 3)
  expect(relay.logLines.filter(({ msg }) => msg === 'quarantined')).toHaveLength(1)
  const { items } = await relay.app.reader.listQuarantine({ limit: 10 })
  expect(items).toMatchObject([{ timesSeen: 1 }])
  expect(receiver.ids).toEqual([event.event_id])
})

test('samples and types outside ACCEPT_EVENT_TYPES are left alone, and only names that Seam knows are asked for', async () => {
  const stub = await seam()
  const sample = eventFrom(MINUTE_MS, { event_id: '00000000-0000-0000-0000-000000000000' })
  stub
    .eventsOf(KEY)
    .push(sample, eventFrom(MINUTE_MS, { event_type: 'device.connected' }), eventFrom(MINUTE_MS))
  const relay = await startRelay(reconciling(stub))
  expect(await relay.logged('events missed')).toMatchObject({ missed: 1 })
  expect(stub.asked('/events/list')[0]?.body['event_types']).toEqual([
    'acs_credential.deleted',
    'acs_credential.invalidated',
    'acs_credential.issued',
    'acs_credential.reissued',
  ])
})

test('what is older than a hook is tried for waits there for a person, and goes to a more patient one', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const [old, young] = [eventFrom(90 * MINUTE_MS), eventFrom(MINUTE_MS)]
  stub.eventsOf(KEY).push(old, young)
  const hour = { giveUpAfterMs: 60 * MINUTE_MS }
  const hooks = hooksOf(
    { name: 'hasty', url: receiver.url, retry: hour },
    { name: 'patient', url: `${receiver.url}/patient` },
  )
  const relay = await startRelay({ ...reconciling(stub), ...hooks })
  await receiver.hasReceived(3)
  expect(receiver.received.filter(({ path }) => path === '/hook')).toHaveLength(1)
  const kept = await relay.app.reader.deliveriesOf(old.event_id)
  expect(kept.find(({ hook }) => hook === 'hasty')).toMatchObject({ state: 'dead', endedCode: 'too_old' })
  expect(relay.logLines.some(({ msg }) => /dead letter/.test(msg as string))).toBe(false)
})

test('a webhook and the comparison that bring the same event at once: 1,000 events, each stored and delivered once', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const events = Array.from({ length: 1000 }, () => eventFrom(MINUTE_MS + Math.floor(Math.random() * 1000)))
  stub.eventsOf(KEY).push(...events)
  const relay = await startRelay({ ...reconciling(stub), ...hookTo(receiver) })
  await until('the list to be asked for', () => stub.asked('/events/list').length > 0)
  const answers = await Promise.all(events.map((event) => relay.send(event)))
  expect(answers.every(({ status }) => status === 200 || status === 202)).toBe(true)
  await receiver.hasReceived(1000)
  await until(
    'the pass to end',
    async () => (await relay.app.store.reconciledWorkspaces())[0]?.passedAgoMs !== null,
  )
  expect(relay.logLines.filter(({ msg }) => msg === 'accepted')).toHaveLength(1000)
  expect(relay.logLines.some(({ msg }) => msg === 'quarantined')).toBe(false)
  expectOnce(receiver.ids, events)
})
