import type { ClaimWant } from '../../store.ts'
import type { Statement, Step } from '../connections.ts'
import { NOW, laterBy, momentOf, msBetween, msOf } from '../span-of-time.ts'
import { LEASED, RETURNED, sized } from './leased.ts'
import { lockForClaim } from './ordering-locks.ts'

/*
 * A delivery that is due while an earlier one of its credential is undelivered is blocked: its due_at is put to infinity,
 * so that no claim meets it again. Settling the delivery before it makes the first blocked one due (unblock.ts), for the
 * next claim to judge anew. So a claim looks at each in vain at most once, however many wait behind a failing one.
 *
 * Two replicas number events in the order in which they begin to take them in, and one can commit later. Such a latecomer,
 * before a delivery that is already out, waits until that one is settled or its lease is over. It is not blocked, since
 * nothing would be sure to unblock it.
 *
 * The plan is made once for each connection, often while almost nothing is due. The index of what is due is tiny then, so
 * the planner would use it for every lookup that names due_at, and 50,000 due deliveries later each lookup reads all of
 * them. `is true` around a condition keeps it from being looked up by that index.
 */

/** A claim in order looks at no more than so many due deliveries; if they were all blocked, the next claim goes on. */
const LOOKED_AT = 256
/** So many undelivered ones after a candidate are searched for one that is out. More never come late together. */
const LATECOMERS = 32

/** One row for each leased delivery, or one without. `is_through`: no due delivery was left out. */
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
  ), blocked as (
    update seam_relay.deliveries d set due_at = 'infinity'
    from (
      select o.event_seq from looked_at l join seam_relay.deliveries o on o.hook = $1 and o.event_seq = l.event_seq
      where l.is_behind and (o.due_at <= ${NOW}) is true for update of o skip locked
    ) b where d.hook = $1 and d.event_seq = b.event_seq
  ), free as materialized (
    select o.event_seq, o.due_at
    from looked_at l join seam_relay.deliveries o on o.hook = $1 and o.event_seq = l.event_seq
    where not l.is_behind and (o.due_at <= ${NOW}) is true and (
      select true from (
        select p.state, p.due_at from seam_relay.deliveries p where o.order_key is not null
        and p.hook = $1 and p.order_key = o.order_key and p.event_seq > o.event_seq and p.settled_at is null
        order by p.event_seq limit ${LATECOMERS}
      ) p where p.state = 'leased' and p.due_at > ${NOW} and p.due_at < 'infinity' limit 1) is null
    order by l.due_at, l.event_seq limit $2 for update of o skip locked
  ), sized as materialized (
    ${sized('free', '$1')}
  ), leased as (
    update seam_relay.deliveries d
    set state = 'leased', lease_token = d.lease_token + 1, due_at = ${laterBy('$3::float8')},
      leased_by = $6::uuid
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

/**
 * The steps of a transaction: a lock on all these hooks, and then each hook's claim.
 * @param floors from which due time on to look, for each hook: milliseconds since 1970, or `null` for the beginning
 */
export function claimInOrder(
  wants: readonly ClaimWant[],
  floors: ReadonlyMap<string, number | null>,
  replica: string | null,
): Step[] {
  const claims = wants.map(({ hook, limit, maxBytes, leaseMs }): Step => [
    CLAIM_IN_ORDER,
    [hook, limit, leaseMs, floors.get(hook) ?? null, maxBytes, replica],
  ])
  return [lockForClaim(wants.map(({ hook }) => hook)), ...claims]
}
