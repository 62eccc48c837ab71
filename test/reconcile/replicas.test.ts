import { expect, test } from 'vitest'
import { newDatabase, sql } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { StubAnswer } from '../support/seam-stub.ts'
import { until } from '../support/until.ts'
import { KEY, eventFrom, expectOnce, reconciling, seam } from './support.ts'

const MINUTE_MS = 60_000
/** On a busy machine two replicas are slow. */
const PATIENCE_MS = 60_000

test('of two replicas one reconciles, and the other takes over when it stops', async () => {
  const [stub, receiver, DATABASE_URL] = [await seam(), await startReceiver(), await newDatabase()]
  const settings = { ...reconciling(stub, { RECONCILE_INTERVAL_S: '1' }), ...hookTo(receiver), DATABASE_URL }
  const events = Array.from({ length: 700 }, () => eventFrom(MINUTE_MS + Math.floor(Math.random() * 1000)))
  stub.eventsOf(KEY).push(...events)
  const replicas = await Promise.all([startRelay(settings), startRelay(settings)])
  await until('all of them', () => new Set(receiver.ids).size === 700, PATIENCE_MS)
  expectOnce(receiver.ids, events)
  const missing = () =>
    replicas.map(({ logLines }) => logLines.filter(({ msg }) => msg === 'events missed').length)
  await until('it to be said', () => missing().includes(1))
  expect(missing()).toContain(0)
  await replicas[missing().indexOf(1)]?.app.stop()

  const later = eventFrom(1000)
  stub.eventsOf(KEY).push(later)
  await until('the later one', () => receiver.ids.includes(later.event_id), PATIENCE_MS)
  expectOnce(receiver.ids, [...events, later])
}, 150_000)

test('a replica that was paused in the middle writes nothing after another one has taken over', async () => {
  const [stub, DATABASE_URL] = [await seam(), await newDatabase()]
  stub.eventsOf(KEY).push(eventFrom(MINUTE_MS))
  let goOn: ((answer: StubAnswer | null) => void) | null = null
  // The first one hangs in its question as if it stood still.
  stub.intercept = ({ path }) =>
    path === '/events/list' && goOn === null
      ? new Promise((resolve) => {
          goOn = resolve
        })
      : null
  const paused = await startRelay({ ...reconciling(stub), DATABASE_URL })
  await until('it to ask', () => goOn !== null)
  // Its lease runs out, and another one takes over.
  const other = await paused.app.store.takeReconciling({ holder: 'another', leaseMs: 1 })
  expect(other.isHeld).toBe(false)
  await takeLeaseAway(DATABASE_URL)
  const taken = await paused.app.store.takeReconciling({ holder: 'another', leaseMs: 60_000 })
  expect(taken).toEqual({ isHeld: true, token: 2 })
  const before = await paused.app.store.reconciledWorkspaces()
  ;(goOn as unknown as (answer: StubAnswer | null) => void)(null)
  // It takes the event in, which is safe, because an event is stored once.
  await paused.logged('accepted')
  await until('it to try to write it down', () => paused.logLines.some(({ msg }) => msg === 'events missed'))
  const strip = (rows: typeof before) =>
    rows.map(({ confirmedUntil, failing }) => ({ confirmedUntil, failing }))
  expect(strip(await paused.app.store.reconciledWorkspaces())).toEqual(strip(before))
  expect(before[0]?.confirmedUntil).toBeNull()
})

async function takeLeaseAway(url: string): Promise<void> {
  await sql(url, `update seam_relay.reconciler set leased_until = now() - interval '1 s'`)
}
