import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent, credentialEvents } from '../support/credential-event.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { newDatabase } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

// Somebody sets the machine's clock while the relay runs. The webhooks are sent before, because their own timestamps
// are judged by that clock.

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ONE_SECOND = { retry: { initialDelayMs: 1000, maxDelayMs: 1000 } }

const stores: { store: string; database: () => Promise<Record<string, string>> }[] = [
  { store: 'SQLite', database: () => Promise.resolve({}) },
  { store: 'Postgres', database: async () => ({ DATABASE_URL: await newDatabase() }) },
]

describe.each(stores)('on $store', ({ database }) => {
  test.each([-HOUR_MS, 4 * DAY_MS])(
    'a retry due in a second is made in a second after a jump of %d ms',
    async (jumpMs) => {
      const clock = new ShiftedClock()
      const receiver = await startReceiver(500)
      const relay = await startRelay({ ...(await database()), ...hookTo(receiver, ONE_SECOND) }, clock)
      await relay.send(credentialEvent())
      await relay.logged('delivery failed, to be tried again')
      clock.jumpWall(jumpMs)
      receiver.behaviour = 204
      await relay.logged('delivered')
      expect(receiver.received).toHaveLength(2)
    },
  )

  test('a rate of one a second stays one a second after a jump of an hour back', async () => {
    const clock = new ShiftedClock()
    const receiver = await startReceiver()
    const relay = await startRelay({ ...(await database()), ...hookTo(receiver, { maxPerSecond: 1 }) }, clock)
    for (const event of credentialEvents(3)) await relay.send(event)
    await receiver.hasReceived(1)
    clock.jumpWall(-HOUR_MS)
    expect(await receiver.hasReceived(3)).toHaveLength(3)
  })

  test('a jump of 120 s ahead never sends two at once for one credential of an ordered hook', async () => {
    const clock = new ShiftedClock()
    const answers: (() => void)[] = []
    const receiver = await startReceiver((_request, response) =>
      answers.push(() => response.writeHead(204).end()),
    )
    const hook = { ordering: 'credential', timeoutMs: 60_000, ...ONE_SECOND }
    const relay = await startRelay({ ...(await database()), ...hookTo(receiver, hook) }, clock)
    const first = credentialEvent()
    const second = credentialEvent({ acs_credential_id: first.acs_credential_id })
    const other = credentialEvent()
    await relay.send(first)
    await receiver.hasReceived(1)
    await relay.send(second)
    receiver.behaviour = 500
    await relay.send(other)
    await relay.logged('delivery failed, to be tried again')
    clock.jumpWall(120_000)
    // The other credential's retry shows that deliveries have been claimed since the jump.
    await receiver.hasReceived(3)
    expect(receiver.ids).toEqual([first.event_id, other.event_id, other.event_id])
    receiver.behaviour = 204
    for (const answer of answers) answer()
    await until('the second event', () => receiver.ids.includes(second.event_id))
    expect(receiver.ids.filter((id) => id === first.event_id)).toHaveLength(1)
  })

  test('four days ahead for three seconds give no delivery up', async () => {
    const clock = new ShiftedClock()
    const receiver = await startReceiver(500)
    const hook = { ...ONE_SECOND, breaker: { failures: 1000 } }
    const relay = await startRelay({ ...(await database()), ...hookTo(receiver, hook) }, clock)
    await relay.send(credentialEvent())
    await receiver.hasReceived(1)
    clock.jumpWall(4 * DAY_MS)
    await receiver.hasReceived(4)
    clock.jumpWall(-4 * DAY_MS)
    receiver.behaviour = 204
    await relay.logged('delivered')
    expect(relay.logLines.filter(({ level }) => level === 50)).toEqual([])
  })
})

test('webhook-timestamp is the wall clock of the moment of sending', async () => {
  const clock = new ShiftedClock()
  const receiver = await startReceiver(500)
  const relay = await startRelay(hookTo(receiver, ONE_SECOND), clock)
  await relay.send(credentialEvent())
  await relay.logged('delivery failed, to be tried again')
  clock.jumpWall(HOUR_MS)
  const requests = await receiver.hasReceived(2)
  const [before, after] = requests.map(({ headers }) => Number(headers['webhook-timestamp']) * 1000)
  expect((after as number) - (before as number)).toBeGreaterThanOrEqual(HOUR_MS)
})

test('what waits while the machine is suspended is leased anew before it is sent', async () => {
  // To the relay a suspended machine is a steady clock that stands still and a wall clock that jumps ahead.
  const clock = new ShiftedClock()
  const answers: (() => void)[] = []
  const receiver = await startReceiver((_request, response) =>
    answers.push(() => response.writeHead(204).end()),
  )
  const relay = await startRelay(hookTo(receiver, { concurrency: 1 }), clock)
  const db = new DatabaseSync(relay.databasePath, { readOnly: true })
  onTestFinished(() => db.close())
  const leases = () =>
    db
      .prepare('select state, lease_token from deliveries order by event_seq')
      .all()
      .map((row) => Object.values(row))
  // Read from the store after the first claim, which found nothing due: from now on an acceptance leases.
  await relay.metrics()
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  await relay.send(credentialEvent())
  expect(leases()).toEqual([
    ['leased', 1],
    ['leased', 1],
  ])
  clock.jumpWall(HOUR_MS)
  receiver.behaviour = 204
  for (const answer of answers) answer()
  await until('both to be delivered', () => leases().every(([state]) => state === 'delivered'))
  expect(leases()).toEqual([
    ['delivered', 1],
    ['delivered', 2],
  ])
  expect(receiver.received).toHaveLength(2)
})
