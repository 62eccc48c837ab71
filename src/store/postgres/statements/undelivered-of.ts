import { rowsForEachHook, undeliveredOfHooks } from '../../failure-groups.ts'
import type { UndeliveredCount } from '../../failure-groups.ts'
import type { UndeliveredOfHook } from '../../listings.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { laterBy, msOf } from '../span-of-time.ts'
import { CODE } from './event-rows.ts'
import { hooksWith } from './hooks-with.ts'

// Of each hook the oldest dead, without those that a person has given up, and of what waits those that are due first.

const IS_OF_TYPE = `(select true from seam_relay.events e
      where e.seq = d.event_seq and e.event_type = any($3::text[]) limit 1) is true`

const COUNT_DEAD: Statement = {
  name: 'undelivered-dead-of',
  text: countSql(`
    select d.event_seq, d.active_since, ${IS_OF_TYPE} as counts
    from seam_relay.deliveries d where d.state = 'dead' and d.ended_code is distinct from 'discarded' and d.hook = h.hook
    order by d.event_seq limit $2::integer`),
}
const COUNT_UNDELIVERED: Statement = {
  name: 'undelivered-of',
  text: countSql(`
    select d.event_seq, d.active_since, d.active_since < ${laterBy('-$4::float8')} and ${IS_OF_TYPE} as counts
    from seam_relay.deliveries d where d.due_at is not null and d.hook = h.hook
    order by d.due_at limit $2::integer`),
}
const CODES: Statement = {
  name: 'codes-of',
  text: `
  select s.seq, s.hook, d.code from unnest($1::bigint[], $2::text[]) s (seq, hook) cross join lateral (
    select ${CODE} as code from seam_relay.deliveries d where d.event_seq = s.seq and d.hook = s.hook offset 0
  ) d`,
}

function countSql(rows: string): string {
  return `
  select h.hook, count(*) as looked, count(*) filter (where d.counts) as count,
    round(${msOf('min(d.active_since)')}) as looked_since,
    round(${msOf('min(d.active_since) filter (where d.counts)')}) as since,
    (array_agg(d.event_seq order by d.active_since, d.event_seq) filter (where d.counts))[1] as seq
  from unnest($1::text[]) h (hook) cross join lateral (${rows}
  ) d group by h.hook`
}

export async function undeliveredOf(
  connections: Connections,
  eventTypes: readonly string[],
  olderThanMs: number,
): Promise<UndeliveredOfHook[]> {
  const counts = [
    ...(await countsOf(connections, 'open', COUNT_DEAD, [eventTypes])),
    ...(await countsOf(connections, 'undelivered', COUNT_UNDELIVERED, [eventTypes, olderThanMs])),
  ]
  const oldest = counts.flatMap(({ hook, oldest: one }) => (one === null ? [] : [{ hook, seq: one.seq }]))
  const codes = await codesOf(connections, oldest)
  return undeliveredOfHooks(counts, (seq, hook) => codes.get(keyOf(seq, hook)) ?? null)
}

/** Of each delivery the code of its last failure, by `keyOf`. */
export async function codesOf(
  connections: Connections,
  deliveries: readonly { seq: number; hook: string }[],
): Promise<Map<string, string | null>> {
  if (deliveries.length === 0) return new Map()
  const keys = [deliveries.map(({ seq }) => seq), deliveries.map(({ hook }) => hook)]
  const rows = await connections.run(CODES, keys)
  return new Map(
    rows.map((row) => [keyOf(row['seq'] as number, row['hook'] as string), row['code'] as string | null]),
  )
}

function keyOf(seq: number, hook: string): string {
  return `${seq} ${hook}`
}

async function countsOf(
  connections: Connections,
  among: 'open' | 'undelivered',
  statement: Statement,
  values: readonly unknown[],
): Promise<UndeliveredCount[]> {
  const hooks = await hooksWith(connections, among)
  if (hooks.length === 0) return []
  const most = rowsForEachHook('undelivered', hooks.length)
  return (await connections.run(statement, [hooks, most, ...values])).map((row) =>
    countOf(row, among === 'open', most),
  )
}

function countOf(row: Row, isDead: boolean, most: number): UndeliveredCount {
  const seq = row['seq'] as number | null
  return {
    hook: row['hook'] as string,
    isDead,
    count: row['count'] as number,
    lookedSince: row['looked_since'] as number,
    oldest: seq === null ? null : { seq: Number(seq), since: row['since'] as number },
    isCutShort: row['looked'] === most,
  }
}
