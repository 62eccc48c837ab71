import { expect, test } from 'vitest'
import { StoreError } from '../../src/store/store.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { acceptEach, acceptance, claim, claimOne, dead, settleOne, replay } from './asking.ts'
import { describeStoreContract } from './store-contract.ts'
import { open } from './postgres-database.ts'

describeStoreContract('the Postgres store', async () => open(await newDatabase()))

test('a database that is opened again has everything it had', async () => {
  const url = await newDatabase()
  const first = await open(url)
  const requests = [acceptance({ hooks: ['delivered'] }), acceptance({ hooks: ['dead'] }), acceptance()]
  await acceptEach(first, requests)
  await settleOne(first, await claimOne(first, 'delivered'), { state: 'delivered' })
  await settleOne(first, await claimOne(first, 'dead'), dead(4))
  const aside = {
    messageId: 'msg_1',
    bytes: Buffer.from([0xff, 0x00]),
    problems: [{ path: '', message: 'x' }],
  }
  const { quarantineId } = await first.quarantine(aside)
  await first.close()

  const second = await open(url)
  for (const request of requests) expect(await second.accept(request)).toEqual({ outcome: 'duplicate' })
  expect(await second.quarantine(aside)).toEqual({ quarantineId })
  expect(await claim(second, ['delivered', 'dead'])).toEqual([])
  expect(await replay(second, {})).toEqual({ replayed: 1 })
  expect(await sql(url, 'select times_seen, problems, body from seam_relay.quarantine')).toEqual([
    { times_seen: '2', problems: aside.problems, body: aside.bytes },
  ])
  expect(await sql(url, 'select sum(duplicates) as sum from seam_relay.event_ids')).toEqual([{ sum: '3' }])
})

test('a check rewrites its row, unless a webhook was stored within the last second', async () => {
  const url = await newDatabase()
  const clock = new ShiftedClock()
  const store = await open(url, { clock })
  const rows = () => sql(url, 'select from seam_relay.heartbeat')
  await store.accept(acceptance())
  await store.check()
  expect(await rows()).toHaveLength(0)
  clock.skip(1001)
  await store.check()
  expect(await rows()).toHaveLength(1)
})

test('the same event many times at once is counted each time', async () => {
  const url = await newDatabase()
  const store = await open(url)
  const request = acceptance()
  const aside = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [] }
  await Promise.all(Array.from({ length: 20 }, () => store.accept(request)))
  await Promise.all(Array.from({ length: 20 }, () => store.accept(request)))
  await Promise.all(Array.from({ length: 20 }, () => store.quarantine(aside)))
  expect(await sql(url, 'select duplicates from seam_relay.event_ids')).toEqual([{ duplicates: '39' }])
  expect(await sql(url, 'select times_seen from seam_relay.quarantine')).toEqual([{ times_seen: '20' }])
})

test('events that come at once are numbered in the order in which they came', async () => {
  const store = await open(await newDatabase())
  const requests = Array.from({ length: 200 }, () => acceptance({ hooks: ['a'] }))
  await Promise.all(requests.map((request) => store.accept(request)))
  const bySeq = (await claim(store, ['a'])).toSorted((one, other) => one.eventSeq - other.eventSeq)
  expect(bySeq.map(({ webhookId }) => webhookId)).toEqual(requests.map(({ webhookId }) => webhookId))
})

test('a call that cannot be stored is refused, and the others of its group are stored', async () => {
  const groups: number[] = []
  const store = await open(await newDatabase(), { onCommit: ({ calls }) => groups.push(calls) })
  // One hook twice is what the table of deliveries does not take.
  const impossible = acceptance({ hooks: ['a', 'a'] })
  const requests = [acceptance({ hooks: ['a'] }), impossible, acceptance({ hooks: ['a'] })]
  const results = await Promise.allSettled(requests.map((request) => store.accept(request)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const refusal: unknown = results[1]?.status === 'rejected' ? results[1].reason : null
  expect(refusal).toBeInstanceOf(StoreError)
  expect(refusal).toMatchObject({ code: 'store_failing', message: 'the database refused (SQLSTATE 23505)' })
  expect(await claim(store, ['a'])).toHaveLength(2)
  expect(await store.accept({ ...impossible, deliveries: [] })).toMatchObject({ outcome: 'accepted' })
})

test('calls that come while a group is being written share the next, of a bounded size', async () => {
  const groups: number[] = []
  const store = await open(await newDatabase(), { onCommit: ({ calls }) => groups.push(calls) })
  await Promise.all(Array.from({ length: 1100 }, () => store.accept(acceptance())))
  expect(groups.reduce((sum, calls) => sum + calls, 0)).toBe(1100)
  expect(Math.max(...groups)).toBe(512)
  expect(groups.length).toBeLessThan(10)
})

test('calls beyond the number that may wait are refused, and the waiting ones are stored', async () => {
  const store = await open(await newDatabase())
  const calls = Array.from({ length: 10_100 }, () => store.accept(acceptance()))
  const results = await Promise.allSettled(calls)
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused.length).toBe(100)
  expect(refused[0]?.reason).toMatchObject({ code: 'store_overloaded' })
})

test('connections that break are replaced, no more than there were', async () => {
  const url = await newDatabase()
  const store = await open(url)
  for (let round = 0; round < 5; round++) {
    await Promise.all([store.accept(acceptance({ hooks: ['a'] })), claim(store, ['a']), store.reader.stats()])
    await sql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'seam-relay%'
      and datname = current_database()`,
    )
    await until('the store to work again', () =>
      store.accept(acceptance()).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreError)
          return false
        },
      ),
    )
  }
  const [row] = await sql(
    url,
    `select count(*)::integer as count from pg_stat_activity where application_name like 'seam-relay%'
      and datname = current_database()`,
  )
  expect(row?.['count']).toBeLessThanOrEqual(9)
  await store.close()
  await until('the connections to be gone', async () => {
    const rows = await sql(
      url,
      `select from pg_stat_activity where application_name like 'seam-relay%' and datname = current_database()`,
    )
    return rows.length === 0
  })
})

test('an error of the database quotes no row', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await sql(url, `alter table seam_relay.events add constraint odd check (body = '')`)
  const error = (await store.accept(acceptance()).catch((reason: unknown) => reason)) as StoreError
  expect(error).toMatchObject({ code: 'store_failing', message: 'the database refused (SQLSTATE 23514)' })
  expect(JSON.stringify(error.cause, Object.getOwnPropertyNames(error.cause))).not.toContain('acs_credential')
})

test('while one replica reconciles, the others are told for how long, and it has it until it leaves or its lease runs out', async () => {
  const url = await newDatabase()
  const [first, second] = [await open(url), await open(url)]
  expect(await first.takeReconciling({ holder: 'a', leaseMs: 60_000 })).toEqual({ isHeld: true, token: 1 })
  const refused = await second.takeReconciling({ holder: 'b', leaseMs: 1 })
  if (refused.isHeld) throw new Error('both reconcile')
  expect(refused.freeInMs).toBeGreaterThan(50_000)
  expect(refused.freeInMs).toBeLessThanOrEqual(60_000)
  await second.leaveReconciling({ holder: 'b' })
  expect(await second.takeReconciling({ holder: 'b', leaseMs: 1 })).toMatchObject({ isHeld: false })
  await first.leaveReconciling({ holder: 'a' })
  expect(await second.takeReconciling({ holder: 'b', leaseMs: 1 })).toEqual({ isHeld: true, token: 2 })
  await until(
    'the lease has run out',
    async () => (await first.takeReconciling({ holder: 'a', leaseMs: 60_000 })).isHeld,
  )
  expect(await first.takeReconciling({ holder: 'a', leaseMs: 60_000 })).toEqual({ isHeld: true, token: 3 })
})

test('of replicas that ask for the lease at once, one gets it', async () => {
  const url = await newDatabase()
  const stores = [await open(url), await open(url), await open(url)]
  const leases = await Promise.all(
    stores.map((store, index) => store.takeReconciling({ holder: `replica ${index}`, leaseMs: 60_000 })),
  )
  expect(leases.filter(({ isHeld }) => isHeld)).toHaveLength(1)
})
