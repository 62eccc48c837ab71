import { expect, test } from 'vitest'
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { Announcement } from '../../src/store/store.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { acceptance, acceptEach, claim, claimOne, settleOne, wanting } from './asking.ts'
import { open } from './postgres-database.ts'

// Replicas that live and die. Postgres has a clock of its own, so time passes here by changing the rows.

test('replicas know how many others live, from their first sign until they leave', async () => {
  const [, one, other] = await openTwo()
  expect(await one.announce()).toEqual(shared(0))
  expect(await other.announce()).toEqual(shared(1))
  expect(await one.announce()).toEqual(shared(1))
  await other.leave()
  expect(await one.announce()).toEqual(shared(0))
})

test('what a gone replica had leased is due at once, and its outcome comes too late', async () => {
  const [url, one, other] = await openTwo()
  await announceAll(one, other)
  await acceptEach(one, [
    acceptance({ hooks: ['a', 'b'] }),
    { ...acceptance(), deliveries: [{ hook: 'a', leaseMs: 600_000 }] },
  ])
  const claimed = await claim(one, ['a', 'b'])
  const accepted = acceptance({ hooks: ['a'] })
  await other.accept(accepted)
  const own = await claimOne(other, 'a')
  await passSilently(url, one, other)
  expect(await announceToTheEnd(other)).toBe(3)
  expect(await claim(other, ['a', 'b'])).toMatchObject([
    { hook: 'a', leaseToken: 3, attempt: 1, failures: 0 },
    { hook: 'a', leaseToken: 3, attempt: 1 },
    { hook: 'b', leaseToken: 3, attempt: 1 },
  ])
  for (const delivery of claimed) {
    expect(await settleOne(one, delivery, { state: 'delivered' })).toBe('lease_lost')
  }
  expect(await settleOne(other, own, { state: 'delivered' })).toBe('settled')
  expect(await sql(url, 'select from seam_relay.replicas')).toHaveLength(1)
})

test('a replica that wakes after it was declared gone goes on, and keeps what it leases from then on', async () => {
  const [url, one, other] = await openTwo()
  await announceAll(one, other)
  await passSilently(url, one, other)
  await announceToTheEnd(other)
  expect(await one.announce()).toEqual(shared(1))
  await one.accept(acceptance({ hooks: ['a'] }))
  const delivery = await claimOne(one, 'a')
  expect(await announceToTheEnd(other)).toBe(0)
  expect(await settleOne(one, delivery, { state: 'delivered' })).toBe('settled')
})

test('after an outage of the database nobody is declared gone before all could give a sign', async () => {
  const [url, one, other] = await openTwo()
  await announceAll(one, other)
  await one.accept(acceptance({ hooks: ['a'] }))
  const delivery = await claimOne(one, 'a')
  await sql(
    url,
    `update seam_relay.replicas set last_sign_at = last_sign_at - interval '1 hour',
    present_since = present_since - interval '1 hour'`,
  )
  expect(await announceToTheEnd(other)).toBe(0)
  expect(await one.announce()).toEqual(shared(1))
  expect(await announceToTheEnd(other)).toBe(0)
  expect(await settleOne(one, delivery, { state: 'delivered' })).toBe('settled')
})

test('leases of thousands are freed in steps, beside retries that are due later', async () => {
  const [url, one, other] = await openTwo()
  await announceAll(one, other)
  await acceptEach(one, [acceptance({ hooks: ['a'] })])
  await sql(
    url,
    `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, lease_token, leased_by)
     select 1000 + n, 'a', case when n % 2 = 0 then 'leased' else 'pending' end, now() + interval '1 minute',
       now(), 1, case when n % 2 = 0 then (select id from seam_relay.replicas order by present_since limit 1) end
     from generate_series(1, 5000) n`,
  )
  await sql(url, `update seam_relay.replicas set present_since = present_since - interval '1 hour'`)
  await sql(
    url,
    `update seam_relay.replicas set last_sign_at = now() - interval '16 s'
     where id = (select leased_by from seam_relay.deliveries where leased_by is not null limit 1)`,
  )
  const steps: number[] = []
  for (let more = true; more;) {
    const announcement = (await other.announce()) as Announcement & { kind: 'shared' }
    steps.push(announcement.freed)
    more = announcement.hasMore
  }
  expect(steps.reduce((sum, freed) => sum + freed, 0)).toBe(2500)
  expect(Math.max(...steps)).toBeLessThanOrEqual(1000)
  expect((await other.claim([wanting('a', { limit: 1 })])).deliveries).toHaveLength(1)
  expect(
    await sql(
      url,
      `select state, count(*)::int from seam_relay.deliveries where event_seq > 1000 group by state`,
    ),
  ).toEqual([{ state: 'pending', count: 5000 }])
})

test('while nobody is gone, an announcement reads no delivery', async () => {
  const [url, one, other] = await openTwo()
  await announceAll(one, other)
  await one.accept(acceptance({ hooks: ['a'] }))
  await claimOne(one, 'a')
  const scans = async () =>
    (
      await sql(
        url,
        `select pg_stat_force_next_flush(), (seq_scan + coalesce(idx_scan, 0))::int as count from pg_stat_user_tables
         where schemaname = 'seam_relay' and relname = 'deliveries'`,
      )
    )[0]?.['count']
  await one.close()
  const before = await scans()
  for (let n = 0; n < 20; n++) await other.announce()
  await other.close()
  // What the first one did may be counted late, and is less than one scan for each announcement.
  expect((await scans()) as number).toBeLessThan((before as number) + 20)
})

async function openTwo(): Promise<[url: string, one: PostgresStore, other: PostgresStore]> {
  const url = await newDatabase()
  return [url, await open(url), await open(url)]
}

async function announceAll(...stores: PostgresStore[]): Promise<void> {
  for (const store of stores) await store.announce()
}

function shared(others: number): Announcement {
  return { kind: 'shared', others, freed: 0, hasMore: false }
}

/** Both have been there for an hour, and the first has given no sign for 16 s. */
async function passSilently(url: string, silent: PostgresStore, other: PostgresStore): Promise<void> {
  await silent.announce()
  const age = `update seam_relay.replicas set present_since = present_since - interval '1 hour',
    last_sign_at = last_sign_at - interval '16 s'`
  await sql(url, age)
  // Its own sign is then the only one that is new, and an hour without a gap lies before it.
  await other.announce()
  await sql(url, `update seam_relay.replicas set present_since = now() - interval '1 hour'`)
}

/** @returns how many were freed */
async function announceToTheEnd(store: PostgresStore): Promise<number> {
  let freed = 0
  for (let more = true; more;) {
    const announcement = (await store.announce()) as Announcement & { kind: 'shared' }
    freed += announcement.freed
    more = announcement.hasMore
  }
  return freed
}
