import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { Backoff } from '../../src/store/postgres/backoff.ts'
import { Connections } from '../../src/store/postgres/connections.ts'
import { LOCK_CLASS } from '../../src/store/postgres/statements/ordering-locks.ts'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { PostgresStoreOptions } from '../../src/store/postgres/postgres-store.ts'
import { StoreError } from '../../src/store/store.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  acceptEach,
  acceptance,
  acceptanceAbout,
  changedContent,
  claim,
  claimOne,
  claimable,
  countOutcomes,
  dead,
  keyOf,
  settleOne,
  settlement,
  wanting,
} from './asking.ts'
import { NUMBERED_ON, attemptEach, fillEveryState, withoutTokens } from './every-state.ts'
import { describeStoreContract } from './store-contract.ts'

describeStoreContract('the Postgres store', async () => open(await newDatabase()))

test('a database that is opened again holds all that it held', async () => {
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
  expect(await second.replay({})).toEqual({ replayed: 1 })
  expect(await sql(url, 'select times_seen, problems, body from seam_relay.quarantine')).toEqual([
    { times_seen: '2', problems: aside.problems, body: aside.bytes },
  ])
  expect(await sql(url, 'select sum(duplicates) as sum from seam_relay.event_ids')).toEqual([{ sum: '3' }])
})

test('those that come at once and are one and the same are all counted', async () => {
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

test('those that come at once are numbered in the order in which they came', async () => {
  const store = await open(await newDatabase())
  const requests = Array.from({ length: 200 }, () => acceptance({ hooks: ['a'] }))
  await Promise.all(requests.map((request) => store.accept(request)))
  const bySeq = (await claim(store, ['a'])).toSorted((one, other) => one.eventSeq - other.eventSeq)
  expect(bySeq.map(({ webhookId }) => webhookId)).toEqual(requests.map(({ webhookId }) => webhookId))
})

test('a call that cannot be stored is refused, and those of its group are not its victims', async () => {
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

test('more than can wait is refused, and what waits is taken in', async () => {
  const store = await open(await newDatabase())
  const calls = Array.from({ length: 10_100 }, () => store.accept(acceptance()))
  const results = await Promise.allSettled(calls)
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused.length).toBe(100)
  expect(refused[0]?.reason).toMatchObject({ code: 'store_overloaded' })
})

test('a session that would not wait for the disk does', async () => {
  const url = await newDatabase()
  await sql(
    url,
    `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
  )
  const connections = new Connections({ url, max: 1, timeoutMs: 1000, backoff: new Backoff(systemClock) })
  onTestFinished(() => connections.close())
  const show = { name: 'show', text: `select current_setting('synchronous_commit') as it` }
  expect(await connections.run(show)).toEqual([{ it: 'on' }])
})

test('any number of replicas may be the first to open a database', async () => {
  const url = await newDatabase()
  const stores = await Promise.all(Array.from({ length: 8 }, () => open(url)))
  const results = await Promise.all(stores.map((store) => store.accept(acceptance())))
  expect(countOutcomes(results)).toEqual({ accepted: 8 })
})

test('a schema from a newer version is refused and left as it was', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await store.accept(acceptance())
  await store.close()
  await sql(url, 'update seam_relay.schema_version set version = 99')
  await expect(open(url)).rejects.toThrow(/newer seam-relay \(schema 99, this one knows \d+\)/)
  expect(await sql(url, 'select version from seam_relay.schema_version')).toEqual([{ version: 99 }])
})

test('a database of the schema before leases had tokens keeps its history and numbers its attempts on', async () => {
  const url = await newDatabase()
  const first = await open(url)
  const requests = await fillEveryState(first)
  await first.close()
  await sql(url, `${withoutTokens('seam_relay.')} update seam_relay.schema_version set version = 1`)
  const second = await open(url)
  expect(await claim(second, ['leased'])).toEqual([])
  await sql(url, `update seam_relay.deliveries set due_at = now() where hook = 'leased'`)
  expect(await attemptEach(second, requests)).toEqual(NUMBERED_ON)
})

test('a schema that was made for a role without the right to make one is enough', async () => {
  const url = await newDatabase()
  const role = `seam_relay_role_${randomUUID().slice(0, 8)}`
  await sql(url, `create role ${role} login password 'pw'`)
  onTestFinished(async () => {
    await sql(url, `drop owned by ${role}`)
    await sql(url, `drop role ${role}`)
  })
  await sql(url, `create schema seam_relay authorization ${role}`)
  const asRole = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const store = await open(asRole)
  expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
  await store.close()
})

test('a password that is wrong ends the start at once and is not told', async () => {
  const url = Object.assign(new URL(await newDatabase()), { password: 'hunter2' }).href
  const error = await open(url, { startTimeoutMs: 600_000 }).catch((reason: unknown) => reason)
  expect(String(error)).toMatch(/DATABASE_URL: password authentication failed/)
  expect(String(error)).not.toContain('hunter2')
})

test('a database that is not there ends the start when the time for it is up', async () => {
  await expect(open('postgres://nobody@127.0.0.1:1/none', { startTimeoutMs: 300 })).rejects.toThrow(
    /ECONNREFUSED/,
  )
})

test('connections that break are replaced, no more than there were', async () => {
  const url = await newDatabase()
  const store = await open(url)
  for (let round = 0; round < 5; round++) {
    await Promise.all([store.accept(acceptance({ hooks: ['a'] })), claim(store, ['a']), store.stats()])
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

test('what goes wrong in the database quotes no row', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await sql(url, `alter table seam_relay.events add constraint odd check (body = '')`)
  const error = (await store.accept(acceptance()).catch((reason: unknown) => reason)) as StoreError
  expect(error).toMatchObject({ code: 'store_failing', message: 'the database refused (SQLSTATE 23514)' })
  expect(JSON.stringify(error.cause, Object.getOwnPropertyNames(error.cause))).not.toContain('acs_credential')
})

test('of two replicas that take one id in at the same time, one accepts', async () => {
  const [one, other] = await openTwo()
  for (let round = 0; round < 20; round++) {
    const requests = Array.from({ length: 30 }, () => acceptance({ hooks: ['a'] }))
    // In opposite orders: two groups that each wait for the other's would never end.
    const results = await Promise.all([
      ...requests.map((request) => one.accept(request)),
      ...requests.toReversed().map((request) => other.accept(request)),
    ])
    expect(countOutcomes(results)).toEqual({ accepted: 30, duplicate: 30 })
  }
  expect(await claim(one, ['a'])).toHaveLength(600)
})

test('of two replicas that bring two contents under one id, one is taken in and the rest told apart', async () => {
  const [one, other] = await openTwo()
  for (let round = 0; round < 20; round++) {
    const request = acceptance({ hooks: ['a'] })
    const changed = changedContent(request)
    const results = await Promise.all(
      [one, other, one, other].map((store, n) => store.accept(n < 2 ? request : changed)),
    )
    expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 1, conflict: 2 })
  }
})

test('of two replicas each delivery goes to one, and who has lost a lease changes nothing', async () => {
  const [one, other] = await openTwo()
  await Promise.all(Array.from({ length: 100 }, () => one.accept(acceptance({ hooks: ['a'] }))))
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, n) => claim(n % 2 === 0 ? one : other, ['a'], { limit: 7 })),
  )
  expect(claims.flat()).toHaveLength(100)
  expect(new Set(claims.flat().map(keyOf)).size).toBe(100)
  await one.settle(claims.flat().map((delivery) => settlement(delivery, { state: 'delivered' })))

  const request = acceptance({ hooks: ['a'] })
  await one.accept(request)
  const lost = await claimOne(one, 'a', 20)
  const taken = await claimable(other, 'a')
  expect(await settleOne(other, taken, { state: 'delivered' })).toBe('settled')
  expect(await settleOne(one, lost, dead(7))).toBe('lease_lost')
  expect(await one.deliveriesOf(request.webhookId)).toMatchObject([
    { state: 'delivered', attempts: 2, failures: 0, records: [{ attempt: 1 }, { attempt: 2 }] },
  ])
})

test('replicas that claim and settle in order at the same time leave nothing behind and mix nothing up', async () => {
  const url = await newDatabase()
  const stores = await Promise.all([open(url), open(url), open(url)])
  const credentials = Array.from({ length: 5 }, () => randomUUID())
  const expected = new Map(credentials.map((credential): [string, string[]] => [credential, []]))
  const total = 150
  for (let n = 0; n < total; n++) {
    const credential = credentials[n % 5] as string
    const request = acceptanceAbout(credential)
    expected.get(credential)?.push(request.webhookId)
    await stores[n % 3]?.accept(request)
  }
  const credentialOf = new Map(
    [...expected].flatMap(([credential, ids]) => ids.map((id) => [id, credential])),
  )
  const given = new Map(credentials.map((credential): [string, string[]] => [credential, []]))
  const out = new Set<string>()
  let ended = 0
  const work = async (store: Store) => {
    while (ended < total) {
      const want = wanting('a', { limit: 3, ordered: true })
      for (const delivery of (await store.claim([want])).deliveries) {
        const credential = credentialOf.get(delivery.webhookId) as string
        expect(out.has(credential)).toBe(false)
        out.add(credential)
        // Each fails once before it is delivered.
        const isEnd = delivery.attempt > 1
        if (isEnd) given.get(credential)?.push(delivery.webhookId)
        out.delete(credential)
        const next = isEnd
          ? ({ state: 'delivered' } as const)
          : ({ state: 'pending', delayMs: 1, failures: 1 } as const)
        expect(await settleOne(store, delivery as ClaimedDelivery, next)).toBe('settled')
        if (isEnd) ended++
      }
    }
  }
  await Promise.all(stores.map(work))
  expect(given).toEqual(expected)
})

test('who ends a delivery waits for a claim that is just holding what is behind it', async () => {
  const { url, store, client, locked } = await openBesideAnother()
  const requests = await acceptEach(store, eventsAboutOne(2))
  const [head] = (await store.claim([IN_ORDER])).deliveries
  await sql(url, `update seam_relay.deliveries set due_at = now() where due_at = 'infinity'`)
  await client.query('begin')
  await client.query(`select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext('a'))`)
  const settled = settleOne(store, head as ClaimedDelivery, { state: 'delivered' })
  await locked(settled)
  await client.query(`update seam_relay.deliveries set due_at = 'infinity' where state = 'pending'`)
  await client.query('commit')
  expect(await settled).toBe('settled')
  expect((await store.claim([IN_ORDER])).deliveries).toMatchObject([{ webhookId: requests[1]?.webhookId }])
})

test('a claim in order waits for who is just ending the delivery before', async () => {
  const { url, store, client, locked } = await openBesideAnother()
  const requests = await acceptEach(store, eventsAboutOne(2))
  const [head] = (await store.claim([IN_ORDER])).deliveries
  await sql(url, `update seam_relay.deliveries set due_at = now() where due_at = 'infinity'`)
  await client.query('begin')
  await client.query(
    `update seam_relay.deliveries set state = 'delivered', due_at = null, settled_at = now() where event_seq = $1`,
    [head?.eventSeq],
  )
  await client.query(`select pg_advisory_xact_lock_shared(${LOCK_CLASS}, hashtext('a'))`)
  const claimed = store.claim([IN_ORDER])
  await locked(claimed)
  await client.query('commit')
  expect((await claimed).deliveries).toMatchObject([{ webhookId: requests[1]?.webhookId }])
})

test('a delivery that was accepted late, before one that is out, waits for that one', async () => {
  const url = await newDatabase()
  const store = await open(url)
  const credential = randomUUID()
  const requests = await acceptEach(store, [acceptanceAbout(credential), acceptanceAbout(credential)])
  // As if the first had been numbered by another replica, which has not committed it yet.
  await sql(
    url,
    `update seam_relay.deliveries set due_at = now() + interval '1 hour', settled_at = null,
    order_key = 'not yet' where event_seq = (select min(event_seq) from seam_relay.deliveries)`,
  )
  const [out] = (await store.claim([IN_ORDER])).deliveries
  expect(out?.webhookId).toBe(requests[1]?.webhookId)
  await sql(
    url,
    `update seam_relay.deliveries set due_at = now(), order_key = $1 where order_key = 'not yet'`,
    [credential],
  )
  const waiting = await store.claim([IN_ORDER])
  expect(waiting.deliveries).toEqual([])
  // Not due at once, or who asks would ask without a pause.
  expect(waiting.nextDueInMs).toBeGreaterThan(0)
  await settleOne(store, out as ClaimedDelivery, { state: 'delivered' })
  expect((await store.claim([IN_ORDER])).deliveries).toMatchObject([{ webhookId: requests[0]?.webhookId }])
})

test('one replica tells the others that something is due', async () => {
  const url = await newDatabase()
  const heard: string[] = []
  const one = await open(url, { onDue: () => heard.push('one') })
  await open(url, { onDue: () => heard.push('other') })
  // Both hear once that they listen.
  await until('both to listen', () => heard.includes('one') && heard.includes('other'))
  heard.length = 0
  await one.accept(acceptance())
  const request = acceptance({ hooks: ['a'] })
  await one.accept(request)
  await until('the other to hear', () => heard.includes('other'))
  await settleOne(one, await claimOne(one, 'a'), dead(1))
  heard.length = 0
  await one.replay({})
  await until('the other to hear of a replay', () => heard.includes('other'))
  expect(heard).not.toContain('one')
})

test('who listens again after the connection broke hears that it may have missed something', async () => {
  const url = await newDatabase()
  let heard = 0
  await open(url, { onDue: () => void heard++ })
  for (let round = 1; round <= 3; round++) {
    await until('it to listen', () => heard === round)
    await sql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'seam-relay signal'
      and datname = current_database()`,
    )
  }
  expect(await until('it to listen again', () => heard >= 4)).toBe(true)
})

const IN_ORDER = wanting('a', { limit: 10, ordered: true })

function eventsAboutOne(count: number) {
  const credential = randomUUID()
  return Array.from({ length: count }, () => acceptanceAbout(credential))
}

/** A store, and a connection that stands for another replica's, step by step. */
async function openBesideAnother() {
  const url = await newDatabase()
  const store = await open(url)
  const client = new Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  /** Until the call waits for a lock, or has not waited. */
  const locked = (call: Promise<unknown>) => {
    let isDone = false
    void call.then(() => (isDone = true))
    return until('the call to wait', async () => {
      const waiting = await sql(
        url,
        `select from pg_locks l join pg_database d on d.oid = l.database
         where locktype = 'advisory' and not granted and datname = current_database()`,
      )
      return isDone || waiting.length > 0
    })
  }
  return { url, store, client, locked }
}

async function openTwo(): Promise<[PostgresStore, PostgresStore]> {
  const url = await newDatabase()
  return [await open(url), await open(url)]
}

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const log = { info() {}, warn() {} }
  const store = await PostgresStore.open({ url, log, startTimeoutMs: 10_000, clock: systemClock, ...options })
  onTestFinished(() => store.close())
  return store
}
