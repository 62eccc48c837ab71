import pg from 'pg'
import { onTestFinished } from 'vitest'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'

export function postgresOptions(url: string) {
  return { url, version: '0.0.0', startTimeoutMs: 10_000, clock: systemClock, log: { info() {}, warn() {} } }
}

/** A database with the schema of a store and nothing in it. */
export async function newDatabaseOfAStore(): Promise<string> {
  const url = await newDatabase()
  await (await PostgresStore.open(postgresOptions(url))).close()
  return url
}

/**
 * Holds the key of a delivery in a transaction that never commits: the command waits when it comes to that delivery,
 * until the test ends the connection.
 */
export async function blockDelivery(url: string, eventSeq: number, hook: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  onTestFinished(() => client.end())
  await client.connect()
  await client.query('begin')
  await client.query(
    `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since)
     values ($1, $2, 'pending', now(), now())`,
    [eventSeq, hook],
  )
  return client
}

/** Waits until the command waits for the delivery that is blocked. */
export async function waitsForLock(url: string): Promise<void> {
  await until('the command to wait for the blocked delivery', () =>
    isAny(
      url,
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and application_name = 'seam-relay migrate-store'`,
    ),
  )
}

/** Whether the query gives any row. */
export async function isAny(url: string, select: string): Promise<boolean> {
  return (await sql(url, select)).length > 0
}
