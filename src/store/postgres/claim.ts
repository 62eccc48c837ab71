import type { Clock } from '../../time/clock.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store.ts'
import type { Connections, Row, Statement } from './connections.ts'
import { DueFloor } from './due-floor.ts'
import { LEASED, RETURNED, claimInOrder, releaseAll, sized } from './ordering.ts'
import { NOW, laterBy, momentOf, msBetween, msOf } from './span-of-time.ts'

/** One row for each leased delivery; a hook that was given none has one row without. */
const CLAIM: Statement = {
  name: 'claim',
  text: `
  with wants as materialized (
    select hook, room, max_bytes, lease_ms, coalesce(${momentOf('floor_ms')}, '-infinity') as floor, (
      select ${msBetween(NOW, 'due_at')} from seam_relay.deliveries d
      where d.hook = w.hook and due_at > ${NOW} and due_at < 'infinity' order by due_at limit 1
    ) as next_due_in_ms
    from unnest($1::text[], $2::integer[], $3::float8[], $4::float8[], $5::float8[])
      as w (hook, room, max_bytes, lease_ms, floor_ms)
  ), due as materialized (
    select w.hook, w.max_bytes, w.lease_ms, d.event_seq, d.due_at
    from wants w cross join lateral (
      select event_seq, due_at from seam_relay.deliveries
      where hook = w.hook and due_at >= w.floor and due_at <= ${NOW}
      order by due_at, event_seq limit w.room for update skip locked
    ) d
  ), sized as materialized (
    ${sized('due', 'due.hook')}
  ), leased as (
    update seam_relay.deliveries d
    set state = 'leased', lease_token = d.lease_token + 1, due_at = ${laterBy('s.lease_ms')}
    from sized s where d.event_seq = s.event_seq and d.hook = s.hook and s.bytes_before < s.max_bytes
    returning ${RETURNED}
  )
  select w.hook as wanted_by, w.next_due_in_ms, ${msOf(NOW)} as at, not exists (
      select from sized s where s.hook = w.hook and s.bytes_before >= s.max_bytes
    ) as is_through, ${LEASED}
  from wants w left join leased l on l.hook = w.hook
  order by l.was_due, l.event_seq`,
}

/** Leases what is due. What another replica is leasing in this moment is passed over and not waited for. */
export class Claimer {
  readonly #connections: Connections
  readonly #floor: DueFloor
  /** Hooks without an order for which nothing is held any more. */
  readonly #released = new Set<string>()

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections
    this.#floor = new DueFloor(clock)
  }

  async claim(wants: readonly ClaimWant[]): Promise<ClaimResult> {
    const floors = new Map(wants.map(({ hook }) => [hook, this.#floor.of(hook)]))
    const answers = await this.#answers(wants, floors)
    for (const [want, rows] of answers) {
      this.#floor.looked(want.hook, floors.get(want.hook) ?? null, lookedUpTo(want, rows))
    }
    const failedHooks = hooksOf(wants.filter((want) => !answers.some(([answered]) => answered === want)))
    return {
      deliveries: answers.flatMap(([, rows]) => rows.filter(isLeased).map(claimedDelivery)),
      nextDueInMs: least(answers.map(([want, rows]) => nextDueInMs(want, rows))),
      ...(failedHooks.length > 0 ? { failedHooks } : {}),
    }
  }

  /** For all that were asked, or, if a second step failed, for those of the first, which are leased already. */
  async #answers(wants: readonly ClaimWant[], floors: Floors): Promise<Answer[]> {
    const ordered = await this.#claimOrdered(wants.filter(isOrdered), floors)
    try {
      return [
        ...ordered,
        ...(await this.#claimAny(
          wants.filter((want) => !isOrdered(want)),
          floors,
        )),
      ]
    } catch (error) {
      if (ordered.every(([, rows]) => !rows.some(isLeased))) throw error
      return ordered
    }
  }

  async #claimOrdered(wants: readonly ClaimWant[], floors: Floors): Promise<Answer[]> {
    if (wants.length === 0) return []
    for (const { hook } of wants) this.#released.delete(hook)
    const [, ...claims] = await this.#connections.transaction(claimInOrder(wants, floors))
    return claims.map((rows, index) => [wants[index] as ClaimWant, rows])
  }

  async #claimAny(wants: readonly ClaimWant[], floors: Floors): Promise<Answer[]> {
    if (wants.length === 0) return []
    const hooks = wants.map(({ hook }) => hook)
    await this.#releaseHeld(hooks.filter((hook) => !this.#released.has(hook)))
    const rows = await this.#connections.run(CLAIM, [
      hooks,
      wants.map(({ limit }) => limit),
      wants.map(({ maxBytes }) => maxBytes),
      wants.map(({ leaseMs }) => leaseMs),
      hooks.map((hook) => floors.get(hook)),
    ])
    return wants.map((want) => [want, rows.filter((row) => row['wanted_by'] === want.hook)])
  }

  /** Once: what a replica with another configuration holds after that is released when the one before it has ended. */
  async #releaseHeld(hooks: readonly string[]): Promise<void> {
    if (hooks.length === 0) return
    const [statement, values] = releaseAll(hooks)
    await this.#connections.run(statement, values)
    for (const hook of hooks) this.#released.add(hook)
  }
}

type Answer = [want: ClaimWant, rows: Row[]]
/** From where on to look for what is due, for each hook: milliseconds since 1970, or `null` for the beginning. */
type Floors = ReadonlyMap<string, number | null>

/** Up to when all that had become due was looked at, in milliseconds since 1970; `null` if that cannot be told. */
function lookedUpTo({ limit }: ClaimWant, rows: readonly Row[]): number | null {
  const leased = rows.filter(isLeased)
  const isThrough = leased.length < limit && rows[0]?.['is_through'] !== false
  return (isThrough ? rows[0]?.['at'] : (leased.at(-1)?.['was_due'] ?? null)) as number | null
}

function hooksOf(wants: readonly ClaimWant[]): string[] {
  return wants.map(({ hook }) => hook)
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
    leaseToken: row['lease_token'] as number,
    attempt: (row['attempts'] as number) + 1,
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
