import type { Settlement } from '../store.ts'
import type { Connections, Statement, Step } from './connections.ts'
import { releaseAfter } from './ordering.ts'
import { NOW, laterBy } from './span-of-time.ts'

/** The attempt is history and is written in any case; the state only by whoever still holds the lease. */
const SETTLE: Statement = {
  name: 'settle',
  text: `
  with outcomes as materialized (
    select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[],
        $7::bytea[], $8::text[], $9::float8[], $10::integer[])
      as o (event_seq, hook, attempt, duration_ms, status, error_code, answer, state, delay_ms, failures)
  ), history as (
    insert into seam_relay.attempts
      (event_seq, hook, attempt, started_at, duration_ms, status, error_code, answer)
    select event_seq, hook, attempt, ${laterBy('-duration_ms')}, duration_ms, status, error_code, answer
    from outcomes on conflict do nothing
  )
  update seam_relay.deliveries d set
    state = o.state,
    due_at = case when o.state = 'pending' then ${laterBy('o.delay_ms')} end,
    settled_at = case when o.state <> 'pending' then ${NOW} end,
    failures = coalesce(o.failures, d.failures)
  from outcomes o
  where d.event_seq = o.event_seq and d.hook = o.hook and d.attempts = o.attempt and d.state = 'leased'
  returning d.event_seq, d.hook, d.attempts`,
}

/** Answers in the order of the request. Where one delivery's attempt comes twice, its first counts. */
export async function settle(
  connections: Connections,
  settlements: readonly Settlement[],
): Promise<boolean[]> {
  if (settlements.length === 0) return []
  const byKey = new Map<string, Settlement>()
  for (const settlement of settlements) {
    const key = keyOf(settlement.eventSeq, settlement.hook, settlement.attempt)
    if (!byKey.has(key)) byKey.set(key, settlement)
  }
  const distinct = [...byKey.values()]
  const ended = distinct.filter(({ next }) => next.state !== 'pending')
  const step: Step = [SETTLE, parametersOf(distinct)]
  const rows =
    ended.length === 0
      ? await connections.run(...step)
      : ((await connections.transaction([step, ...releaseAfter(ended)]))[0] ?? [])
  const settled = new Set(
    rows.map((row) => keyOf(row['event_seq'] as number, row['hook'] as string, row['attempts'] as number)),
  )
  return settlements.map(({ eventSeq, hook, attempt }) => settled.delete(keyOf(eventSeq, hook, attempt)))
}

function parametersOf(settlements: readonly Settlement[]): unknown[] {
  const records = settlements.map(({ record }) => record)
  const nexts = settlements.map(({ next }) => next)
  return [
    settlements.map(({ eventSeq }) => eventSeq),
    settlements.map(({ hook }) => hook),
    settlements.map(({ attempt }) => attempt),
    records.map(({ durationMs }) => Math.round(durationMs)),
    records.map(({ status }) => status),
    records.map(({ errorCode }) => errorCode),
    // In hex: an array of bytes goes over the wire as text.
    records.map(({ answer }) => (answer === null ? null : `\\x${Buffer.from(answer).toString('hex')}`)),
    nexts.map(({ state }) => state),
    nexts.map((next) => (next.state === 'pending' ? next.delayMs : 0)),
    nexts.map((next) => (next.state === 'delivered' ? null : next.failures)),
  ]
}

function keyOf(eventSeq: number, hook: string, attempt: number): string {
  return `${eventSeq} ${attempt} ${hook}`
}
