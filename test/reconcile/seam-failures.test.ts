import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import type { StubAnswer } from '../support/seam-stub.ts'
import { until } from '../support/until.ts'
import { KEY, WORKSPACE, eventFrom, expectOnce, reconciling, seam } from './support.ts'

const MINUTE_MS = 60_000

test.each<[string, StubAnswer]>([
  ['rate_limited', { status: 429, headers: { 'retry-after': '1' } }],
  ['server_error', { status: 503 }],
  ['misfit', { status: 200, body: '{"events":7}' }],
  ['refused', { status: 400 }],
  ['redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
])('%s is said once in plain words, and touches neither webhooks nor readiness', async (code, answer) => {
  const stub = await seam()
  stub.intercept = ({ path }) => (path === '/events/list' ? answer : null)
  const relay = await startRelay(reconciling(stub))
  const line = await relay.logged('reconciliation fails')
  expect(line).toMatchObject({ workspace_id: WORKSPACE, code, problem: expect.stringMatching(/^Seam.*\.$/) })
  await expectWebhooksAndReadiness(relay)
  const state = await relay.app.reader.reconciliationState({ findingsSince: 0 })
  expect(state.workspaces).toMatchObject([{ confirmedUntil: null, failing: { code } }])
  expect(await relay.metric('seam_relay_reconcile_failing', { workspace: WORKSPACE })).toBe(1)
  expect(JSON.stringify(relay.logLines)).not.toContain(KEY)
})

test('a key that was revoked is told under its own row until its workspace is known, and a new key goes on', async () => {
  const stub = await seam()
  stub.revoke(KEY)
  const relay = await startRelay(reconciling(stub))
  expect(await relay.logged('reconciliation fails')).toMatchObject({ code: 'unauthorized', key_number: 1 })
  const [row] = await relay.app.store.reconciledWorkspaces()
  expect(row?.workspaceId).toMatch(/^key_[0-9a-f]{12}$/)
  await expectWebhooksAndReadiness(relay)
})

test('a key that is revoked in the middle leaves the confirmed time where it was, and a new one goes on from there', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  const events = Array.from({ length: 1200 }, (_, index) => eventFrom(110 * MINUTE_MS - index * 5000))
  stub.eventsOf(KEY).push(...events)
  let lists = 0
  // After a few windows.
  stub.intercept = ({ path, key }) =>
    key === KEY && path === '/events/list' && ++lists > 3 ? { status: 401 } : null
  const settings = { ...reconciling(stub), ...hookTo(receiver) }
  const relay = await startRelay(settings)
  expect(await relay.logged('reconciliation fails')).toMatchObject({ code: 'unauthorized' })
  const [row] = await relay.app.store.reconciledWorkspaces()
  const confirmedUntil = row?.confirmedUntil ?? 0
  const confirmed = events.filter(({ created_at }) => Date.parse(created_at) < confirmedUntil)
  expect(confirmed.length).toBeGreaterThan(0)
  expect(confirmed.length).toBeLessThan(1200)
  await relay.app.stop()

  stub.addKey('another_key', WORKSPACE)
  const again = await startRelay({
    ...settings,
    SEAM_API_KEY: 'another_key',
    DATABASE_URL: `sqlite:${relay.databasePath}`,
  })
  await again.logged('events missed')
  await until('all of them', () => new Set(receiver.ids).size === 1200)
  expectOnce(receiver.ids, events)
  const rows = await again.app.store.reconciledWorkspaces()
  expect(rows).toMatchObject([{ workspaceId: WORKSPACE, failing: null }])
  expect(rows[0]?.confirmedUntil).toBeGreaterThan(confirmedUntil)
})

test('a workspace that cannot be asked holds up no other one', async () => {
  const stub = await seam()
  const other = 'bbbbbbbb-1111-4222-8333-444444444444'
  stub.addKey('the_other_key', other)
  stub.revoke(KEY)
  stub.eventsOf('the_other_key').push(eventFrom(MINUTE_MS, { workspace_id: other }))
  const relay = await startRelay(reconciling(stub, { SEAM_API_KEY: `${KEY},the_other_key` }))
  expect(await relay.logged('events missed')).toMatchObject({ workspace_id: other, missed: 1 })
})

test('two keys of one workspace, and a list of another workspace than the key says, are told as what they are', async () => {
  const stub = await seam()
  stub.addKey('second', WORKSPACE)
  const relay = await startRelay(reconciling(stub, { SEAM_API_KEY: `${KEY},second` }))
  expect(await relay.logged('reconciliation fails')).toMatchObject({ code: 'duplicate_key', key_number: 2 })

  const strange = await seam()
  strange.eventsOf(KEY).push(eventFrom(MINUTE_MS, { workspace_id: 'cccccccc-1111-4222-8333-444444444444' }))
  const misled = await startRelay(reconciling(strange))
  expect(await misled.logged('reconciliation fails')).toMatchObject({ code: 'wrong_workspace' })
  expect(misled.logLines.some(({ msg }) => msg === 'accepted')).toBe(false)
})

test('a failure that ends is said, and the events of that time are found', async () => {
  const stub = await seam()
  let isDown = true
  stub.intercept = () => (isDown ? { status: 503, headers: { 'retry-after': '0' } } : null)
  stub.eventsOf(KEY).push(eventFrom(MINUTE_MS))
  const relay = await startRelay(reconciling(stub))
  await relay.logged('reconciliation fails')
  isDown = false
  await relay.logged('events missed')
  await relay.logged('reconciliation works again')
  expect(relay.logLines.filter(({ msg }) => msg === 'reconciliation fails')).toHaveLength(1)
})

test('a stop does not wait for an answer of Seam that never comes', async () => {
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const stub = await seam()
  const { port } = silent.address() as AddressInfo
  const relay = await startRelay({ ...reconciling(stub), SEAM_API_URL: `http://127.0.0.1:${port}` })
  await once(silent, 'request')
  const from = performance.now()
  await relay.app.stop()
  // An answer has 20 seconds.
  expect(performance.now() - from).toBeLessThan(15_000)
})

async function expectWebhooksAndReadiness(relay: Relay): Promise<void> {
  expect((await relay.send(eventFrom(0))).status).toBe(202)
  expect((await fetch(`${relay.url}/readyz`)).status).toBe(200)
}
