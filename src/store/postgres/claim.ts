import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store.ts'
import type { Connections, Row, Statement } from './connections.ts'
import { LEASED, claimInOrder, releaseAll } from './ordering.ts'
import type { DueFloor } from './due-floor.ts'
import { NOW, laterBy, momentOf, msBetween, msOf } from './span-of-time.ts'

/** One row for each leased delivery; a hook that was given none has one row without. */
export const CLAIM: Statement = {
  name: 'claim',
  text: `
  with wants as materialized (
    select hook, room, lease_ms, coalesce(${momentOf('floor_ms')}, '-infinity') as floor, (
      select ${msBetween(NOW, 'due_at')} from seam_relay.deliveries d
      where d.hook = w.hook and due_at > ${NOW} and due_at < 'infinity' order by due_at limit 1
    ) as next_due_in_ms
    from unnest($1::text[], $2::integer[], $3::float8[], $4::float8[]) as w (hook, room, lease_ms, floor_ms)
  ), due as materialized (
    select w.hook, w.lease_ms, d.event_seq, d.due_at
    from wants w cross join lateral (
      select event_seq, due_at from seam_relay.deliveries
      where hook = w.hook and due_at >= w.floor and due_at <= ${NOW}
      order by due_at, event_seq limit w.room for update skip locked
    ) d
  ), leased as (
    update seam_relay.deliveries d
    set state = 'leased', attempts = d.attempts + 1, due_at = ${laterBy('due.lease_ms')}
    from due where d.event_seq = due.event_seq and d.hook = due.hook
    returning d.event_seq, d.hook, d.attempts, d.failures, d.active_since, due.due_at as was_due
  )
  select w.hook as wanted_by, w.next_due_in_ms, ${msOf(NOW)} as at, ${LEASED}
  from wants w left join (leased l join seam_relay.events e on e.seq = l.event_seq) on l.hook = w.hook
  order by l.was_due, l.event_seq`,
}

/**
 * Leases what is due. Those that another replica is leasing in this moment are passed over and not waited for.
 * Hooks in order go one after the other, and before the rest, so that a hook is asked for once.
 */
export async function claim(
  connections: Connections,
  floor: DueFloor,
  wants: readonly ClaimWant[],
): Promise<ClaimResult> {
  const floors = new Map(wants.map(({ hook }) => [hook, floor.of(hook)]))
  const [ordered, any] = [wants.filter(isOrdered), wants.filter((want) => !isOrdered(want))]
  const answers: [ClaimWant, Row[]][] = []
  if (ordered.length > 0) {
    const [, ...claims] = await connections.transaction(claimInOrder(ordered, floors))
    answers.push(...claims.map((rows, index): [ClaimWant, Row[]] => [ordered[index] as ClaimWant, rows]))
  }
  if (any.length > 0) {
    const hooks = any.map(({ hook }) => hook)
    const parameters = [
      hooks,
      any.map(({ limit }) => limit),
      any.map(({ leaseMs }) => leaseMs),
      hooks.map((hook) => floors.get(hook)),
    ]
    const [, rows = []] = await connections.pipeline([releaseAll(hooks), [CLAIM, parameters]])
    answers.push(
      ...any.map((want): [ClaimWant, Row[]] => [want, rows.filter((row) => row['wanted_by'] === want.hook)]),
    )
  }
  for (const [want, rows] of answers) {
    floor.looked(want.hook, floors.get(want.hook) ?? null, lookedUpTo(want, rows))
  }
  return {
    deliveries: answers.flatMap(([, rows]) => rows.filter(isLeased).map(claimedDelivery)),
    nextDueInMs: least(answers.map(([want, rows]) => nextDueInMs(want, rows))),
  }
}

/** Up to when all that had become due was looked at, in milliseconds since 1970; `null` if that cannot be told. */
function lookedUpTo({ limit }: ClaimWant, rows: readonly Row[]): number | null {
  const leased = rows.filter(isLeased)
  const isThrough = leased.length < limit && rows[0]?.['is_through'] !== false
  return (isThrough ? rows[0]?.['at'] : (leased.at(-1)?.['was_due'] ?? null)) as number | null
}

function isOrdered(want: ClaimWant): boolean {
  return want.ordered === true
}

function isLeased(row: Row): boolean {
  return row['event_seq'] !== null
}

function claimedDelivery(row: Row): ClaimedDelivery {
  return {
    eventSeq: row['event_seq'] as number,
    hook: row['hook'] as string,
    webhookId: row['webhook_id'] as string,
    eventType: row['event_type'] as string,
    body: row['body'] as string,
    attempt: row['attempts'] as number,
    failures: row['failures'] as number,
    ageMs: Math.max(0, Math.round(row['age_ms'] as number)),
  }
}

/** A hook that took all it had room for asks again when there is room, not when something is due. */
function nextDueInMs({ limit, leaseMs }: ClaimWant, rows: readonly Row[]): number | null {
  const given = rows.filter(isLeased).length
  if (given === limit) return null
  if (rows[0]?.['is_through'] === false) return 0
  const next = rows[0]?.['next_due_in_ms'] as number | null
  return least([next, given > 0 ? leaseMs : null])
}

function least(spans: readonly (number | null)[]): number | null {
  const known = spans.filter((span) => span !== null)
  return known.length === 0 ? null : Math.max(0, Math.ceil(Math.min(...known)))
}
