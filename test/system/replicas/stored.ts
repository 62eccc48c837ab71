import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { sql } from '../../support/postgres.ts'
import { untilPatiently } from '../../support/until.ts'

/** A lease outlasts its attempt by 30 s. Tests that wait for one to run out need this. */
export const LEASE_WAIT_MS = 90_000

export interface DeliveryRow {
  webhook_id: string
  hook: string
  state: string
  attempts: number
  lease_token: number
  failures: number
  settled_at: Date | null
}

/** The deliveries of all events, in order of acceptance. `where` is SQL: `d` is the delivery, `i` the id. */
export function deliveries(database: string, where = 'true'): Promise<DeliveryRow[]> {
  return sql<DeliveryRow>(
    database,
    `select i.webhook_id, d.hook, d.state, d.attempts, d.lease_token, d.failures, d.settled_at
    from seam_relay.deliveries d join seam_relay.event_ids i on i.seq = d.event_seq
    where ${where} order by i.seq, d.hook`,
  )
}

/** The rows without their count of attempts, which grows when an attempt is recorded late. */
export function statesOf(rows: readonly DeliveryRow[]): DeliveryRow[] {
  return rows.map((row) => ({ ...row, attempts: 0 }))
}

export async function everythingIsSettled(database: string): Promise<void> {
  await untilPatiently(
    'every delivery to be settled',
    async () => (await deliveries(database, 'd.settled_at is null')).length === 0 || delay(200, false),
    LEASE_WAIT_MS,
  )
}

/** The database holds these ids and no others, each with one event and one delivery for each hook. */
export async function expectStoredOnce(
  database: string,
  ids: Iterable<string>,
  hooks: number,
): Promise<void> {
  const stored = await sql(
    database,
    `select webhook_id, (select count(*)::int from seam_relay.events e where e.webhook_id = i.webhook_id) as events,
      (select count(*)::int from seam_relay.deliveries d join seam_relay.events e on e.seq = d.event_seq
        where e.webhook_id = i.webhook_id) as deliveries
    from seam_relay.event_ids i order by webhook_id`,
  )
  expect(stored).toEqual([...ids].toSorted().map((id) => ({ webhook_id: id, events: 1, deliveries: hooks })))
}
