import type { SettleResult, Settlement } from '../../store.ts'
import type { Connections, Row, Statement, Step } from '../connections.ts'
import { NOW, laterBy } from '../span-of-time.ts'
import { unblockAfter } from './unblock.ts'

/** The settlements as parameters $1 to $11, in their order. `is_sent`: there is an attempt to be recorded. */
const OUTCOMES = `select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::boolean[], $5::integer[],
        $6::integer[], $7::text[], $8::bytea[], $9::text[], $10::float8[], $11::integer[]) with ordinality
      as o (event_seq, hook, lease_token, is_sent, duration_ms, status, error_code, answer, state, delay_ms, failures, n)`

/** Records the attempts of the rows of a named part of the statement. */
function record(rows: string): string {
  return `insert into seam_relay.attempts
      (event_seq, hook, attempt, lease_token, started_at, duration_ms, status, error_code, answer)
    select event_seq, hook, attempt, lease_token, ${laterBy('-duration_ms')}, duration_ms, status, error_code, answer
    from ${rows} where is_sent on conflict do nothing`
}

/** Ends the leases that are still the latest of their delivery. One row for each. */
const SETTLE: Statement = {
  name: 'settle',
  text: `
  with outcomes as materialized (
    ${OUTCOMES}
  ), settled as (
    update seam_relay.deliveries d set
      state = o.state,
      leased_by = null,
      due_at = case when o.state = 'pending' then ${laterBy('o.delay_ms')} end,
      settled_at = case when o.state <> 'pending' then ${NOW} end,
      failures = coalesce(o.failures, d.failures),
      failing_since = case when d.failing_since is null and o.is_sent and o.failures > d.failures
        then ${laterBy('-o.duration_ms')} else d.failing_since end,
      attempts = d.attempts + o.is_sent::integer
    from outcomes o
    where d.event_seq = o.event_seq and d.hook = o.hook and d.lease_token = o.lease_token and d.state = 'leased'
    returning d.event_seq, d.hook, d.lease_token, d.attempts as attempt,
      o.is_sent, o.duration_ms, o.status, o.error_code, o.answer
  ), history as (
    ${record('settled')}
  )
  select event_seq, hook, lease_token from settled`,
}

/** So that of two who record the same late attempt, the second sees that the first has. */
const LOCK_LATE: Statement = {
  name: 'lock-late',
  text: `
  select from seam_relay.deliveries d
  join (select distinct event_seq, hook from unnest($1::bigint[], $2::text[]) as i (event_seq, hook)) i
    using (event_seq, hook)
  order by d.event_seq, d.hook for update of d`,
}

/** For those that SETTLE did not end: tells which had been settled before, and records the attempts of the others. */
const SETTLE_LATE: Statement = {
  name: 'settle-late',
  text: `
  with outcomes as materialized (
    ${OUTCOMES}
  ), late as materialized (
    select o.*, d.attempts, d.lease_token = o.lease_token as is_settled
    from outcomes o join seam_relay.deliveries d on d.event_seq = o.event_seq and d.hook = o.hook
  ), unrecorded as materialized (
    select l.*, l.attempts + row_number() over (partition by l.event_seq, l.hook order by l.n) as attempt
    from late l where l.is_sent and not l.is_settled and (
      select true from seam_relay.attempts a
      where a.event_seq = l.event_seq and a.hook = l.hook and a.lease_token = l.lease_token limit 1) is null
  ), counted as (
    update seam_relay.deliveries d set attempts = d.attempts + u.count
    from (select event_seq, hook, count(*) as count from unrecorded group by event_seq, hook) u
    where d.event_seq = u.event_seq and d.hook = u.hook
  ), history as (
    ${record('unrecorded')}
  )
  select event_seq, hook, lease_token from late where is_settled`,
}

export async function settle(
  connections: Connections,
  settlements: readonly Settlement[],
): Promise<SettleResult[]> {
  const byKey = new Map<string, Settlement>()
  for (const settlement of settlements) {
    const key = keyOf(settlement)
    if (!byKey.has(key)) byKey.set(key, settlement)
  }
  const settled = await settleLatest(connections, [...byKey.values()])
  const late = [...byKey].filter(([key]) => !settled.has(key)).map(([, settlement]) => settlement)
  const settledBefore = await settleLate(connections, late)
  return settlements.map((settlement) => {
    const key = keyOf(settlement)
    // Where one lease comes twice in a request, its first settlement counts.
    if (settled.delete(key)) {
      settledBefore.add(key)
      return 'settled'
    }
    return settledBefore.has(key) ? 'already_settled' : 'lease_lost'
  })
}

/** @returns the keys of those whose lease was ended with this */
async function settleLatest(
  connections: Connections,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  if (settlements.length === 0) return new Set()
  const step: Step = [SETTLE, parametersOf(settlements)]
  const ended = settlements.filter(({ next }) => next.state !== 'pending')
  const rows =
    ended.length === 0
      ? await connections.run(...step)
      : ((await connections.transaction([step, ...unblockAfter(ended)]))[0] ?? [])
  return new Set(rows.map(keyOfRow))
}

/** @returns the keys of those that had been settled before */
async function settleLate(
  connections: Connections,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  if (settlements.length === 0) return new Set()
  const parameters = parametersOf(settlements)
  const [, rows = []] = await connections.transaction([
    [LOCK_LATE, parameters.slice(0, 2)],
    [SETTLE_LATE, parameters],
  ])
  return new Set(rows.map(keyOfRow))
}

function parametersOf(settlements: readonly Settlement[]): unknown[] {
  const records = settlements.map(({ record }) => record)
  const nexts = settlements.map(({ next }) => next)
  return [
    settlements.map(({ eventSeq }) => eventSeq),
    settlements.map(({ hook }) => hook),
    settlements.map(({ leaseToken }) => leaseToken),
    records.map((one) => one !== null),
    records.map((one) => (one === null ? null : Math.round(one.durationMs))),
    records.map((one) => one?.status ?? null),
    records.map((one) => one?.errorCode ?? null),
    // In hex: an array of bytes goes over the wire as text.
    records.map((one) => (one?.answer ? `\\x${Buffer.from(one.answer).toString('hex')}` : null)),
    nexts.map(({ state }) => state),
    nexts.map((next) => (next.state === 'pending' ? next.delayMs : 0)),
    nexts.map((next) => (next.state === 'delivered' ? null : next.failures)),
  ]
}

function keyOf({ eventSeq, hook, leaseToken }: Settlement): string {
  return `${eventSeq} ${leaseToken} ${hook}`
}

function keyOfRow(row: Row): string {
  return `${row['event_seq'] as number} ${row['lease_token'] as number} ${row['hook'] as string}`
}
