import type { ClaimWant } from '../store.ts'
import type { Statement, Step } from './connections.ts'
import { NOW, laterBy, momentOf, msBetween, msOf } from './span-of-time.ts'

/*
 * A delivery that is due but has an undelivered one of its credential before it is held: its due_at is put to
 * infinity, so that no claim meets it again. Whoever ends a delivery releases the first that is held behind it, for
 * the next claim to judge anew. So each is looked at in vain at most once, however many wait behind a failing one.
 *
 * Holding and releasing must not miss each other, or a delivery is held for ever: a claim sees the one before it
 * undelivered, and the one who has just delivered that does not yet see it held. So a claim in order has the hook
 * for itself while it holds, and to release takes the same lock, shared: a release either comes first, and then the
 * claim sees what was delivered, or it comes after and sees what is held.
 *
 * Two replicas number events in the order in which they began to take them in, and one can be done later. Such a
 * latecomer, before one that is already out, waits until that is settled or its lease is over. It is not held, since
 * nothing would be sure to release it.
 */

/** Tells the locks of hooks from others in the database: "seam" in ASCII. */
export const LOCK_CLASS = 1_936_023_917

/** A claim in order looks at no more than this many; if it held them all, the next goes on. */
const LOOKED_AT = 256

const LOCKS = `from (select distinct hashtext(hook) as key from unnest($1::text[]) as h (hook) order by key) keys`
const CLAIM_LOCK: Statement = {
  name: 'claim-lock',
  text: `select pg_advisory_xact_lock(${LOCK_CLASS}, key) ${LOCKS}`,
}
const RELEASE_LOCK: Statement = {
  name: 'release-lock',
  text: `select pg_advisory_xact_lock_shared(${LOCK_CLASS}, key) ${LOCKS}`,
}

/**
 * The rows of a claim with their events, and the size of the bodies before each in its hook. The length of a large
 * text is known without reading it, and a body that is not given stays a reference, so a claim reads only what it gives.
 */
export function sized(rows: string, hook: string): string {
  return `select ${rows}.*, e.webhook_id, e.event_type, e.body, coalesce(sum(octet_length(e.body)) over (
      partition by ${hook} order by ${rows}.due_at, ${rows}.event_seq rows between unbounded preceding and 1 preceding
    ), 0) as bytes_before
    from ${rows} join seam_relay.events e on e.seq = ${rows}.event_seq`
}

/** What the lease of a delivery, `d`, returns with what `sized` gave, `s`. */
export const RETURNED = `d.event_seq, d.hook, d.lease_token, d.attempts, d.failures, d.active_since,
      s.due_at as was_due, s.webhook_id, s.event_type, s.body`

/** Columns of a leased delivery. */
export const LEASED = `l.event_seq, l.hook, l.lease_token, l.attempts, l.failures,
  ${msBetween('l.active_since')} as age_ms, ${msOf('l.was_due')} as was_due, l.webhook_id, l.event_type, l.body`

/**
 * One row for each leased delivery, or one without. `is_through`: nothing that is due was left unlooked at.
 * `is true` keeps the look for a later one from going by its due_at, past all that the hook has leased.
 */
const CLAIM_IN_ORDER: Statement = {
  name: 'claim-in-order',
  text: `
  with looked_at as materialized (
    select d.event_seq, d.order_key, d.due_at, d.order_key is not null and exists (
      select from seam_relay.deliveries p
      where p.hook = d.hook and p.order_key = d.order_key and p.event_seq < d.event_seq and p.settled_at is null
    ) as is_behind
    from seam_relay.deliveries d
    where d.hook = $1 and d.due_at >= coalesce(${momentOf('$4::float8')}, '-infinity') and d.due_at <= ${NOW}
    order by d.due_at, d.event_seq limit ${LOOKED_AT}
  ), held as (
    update seam_relay.deliveries d set due_at = 'infinity'
    from (
      select o.event_seq from looked_at l join seam_relay.deliveries o on o.hook = $1 and o.event_seq = l.event_seq
      where l.is_behind and o.due_at <= ${NOW} for update of o skip locked
    ) h where d.hook = $1 and d.event_seq = h.event_seq
  ), free as materialized (
    select o.event_seq, o.due_at
    from looked_at l join seam_relay.deliveries o on o.hook = $1 and o.event_seq = l.event_seq
    where not l.is_behind and o.due_at <= ${NOW} and (
      select true from seam_relay.deliveries p where o.order_key is not null
      and p.hook = $1 and p.order_key = o.order_key and p.event_seq > o.event_seq and p.settled_at is null
      and p.state = 'leased' and (p.due_at > ${NOW} and p.due_at < 'infinity') is true limit 1) is null
    order by l.due_at, l.event_seq limit $2 for update of o skip locked
  ), sized as materialized (
    ${sized('free', '$1')}
  ), leased as (
    update seam_relay.deliveries d
    set state = 'leased', lease_token = d.lease_token + 1, due_at = ${laterBy('$3::float8')}
    from sized s where d.hook = $1 and d.event_seq = s.event_seq and s.bytes_before < $5::float8
    returning ${RETURNED}
  )
  select ${msOf(NOW)} as at, (select count(*) < ${LOOKED_AT} from looked_at)
      and not exists (select from sized where bytes_before >= $5) as is_through, (
      select ${msBetween(NOW, 'due_at')} from seam_relay.deliveries
      where hook = $1 and due_at > ${NOW} and due_at < 'infinity' order by due_at limit 1
    ) as next_due_in_ms, ${LEASED}
  from (select) as one left join leased l on true
  order by l.was_due, l.event_seq`,
}

const RELEASE_AFTER: Statement = {
  name: 'release-after',
  text: `
  with ended as materialized (
    select distinct d.hook, d.order_key
    from unnest($1::bigint[], $2::text[]) as i (event_seq, hook) join seam_relay.deliveries d using (event_seq, hook)
    where d.order_key is not null and exists (
      select from seam_relay.deliveries where hook = any($3::text[]) and due_at = 'infinity')
  )
  update seam_relay.deliveries d set due_at = ${NOW}
  from ended e cross join lateral (
    select h.event_seq from seam_relay.deliveries h
    where h.hook = e.hook and h.order_key = e.order_key and h.settled_at is null and h.due_at = 'infinity'
    order by h.event_seq limit 1
  ) first
  where d.hook = e.hook and d.event_seq = first.event_seq and d.due_at = 'infinity'`,
}

const RELEASE_ALL: Statement = {
  name: 'release-all',
  text: `update seam_relay.deliveries set due_at = ${NOW} where hook = any($1::text[]) and due_at = 'infinity'`,
}

/**
 * The steps of a transaction: a lock on all these hooks, and then each hook's claim.
 * @param floors from where on to look, for each hook: milliseconds since 1970, or `null` for the beginning
 */
export function claimInOrder(
  wants: readonly ClaimWant[],
  floors: ReadonlyMap<string, number | null>,
): Step[] {
  const claims = wants.map(({ hook, limit, maxBytes, leaseMs }): Step => [
    CLAIM_IN_ORDER,
    [hook, limit, leaseMs, floors.get(hook) ?? null, maxBytes],
  ])
  return [[CLAIM_LOCK, [wants.map(({ hook }) => hook)]], ...claims]
}

/** The steps that end a transaction in which these deliveries came to their end. */
export function releaseAfter(ended: readonly { eventSeq: number; hook: string }[]): Step[] {
  const hooks = [...new Set(ended.map(({ hook }) => hook))]
  const seqs = ended.map(({ eventSeq }) => eventSeq)
  return [
    [RELEASE_LOCK, [hooks]],
    [RELEASE_AFTER, [seqs, ended.map(({ hook }) => hook), hooks]],
  ]
}

/** For hooks whose ordering has been switched off. */
export function releaseAll(hooks: readonly string[]): Step {
  return [RELEASE_ALL, [hooks]]
}
