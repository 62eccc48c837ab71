import type { Statement } from '../connections.ts'
import { NOW } from '../span-of-time.ts'

/*
 * Frees what replicas that are gone had leased. Leases are found among what is due later, by the index of due times. An
 * index of its own by the replica would be written at each lease and each end of one; this is read only when a replica
 * died. It passes retries that are due later too, so it goes in steps.
 */

/** A step looks at no more than so many. */
const LOOKED_AT = 1000

/** The hooks that have anything undelivered, each found by one look into the index, and from where a walk begins. */
export const HOOKS_OF_LEASES: Statement = {
  name: 'hooks-of-leases',
  text: `
  with recursive hooks as (
    (select hook from seam_relay.deliveries where due_at is not null order by hook limit 1)
    union all
    select (select d.hook from seam_relay.deliveries d where d.due_at is not null and d.hook > h.hook
      order by d.hook limit 1) from hooks h where h.hook is not null
  )
  select hook, ${NOW}::text as now from hooks where hook is not null`,
}

/**
 * Parameters: the hook, up to where the walk has come (due time as text, which keeps its microseconds, and number of the
 * event), the replicas. One row: how many were freed, and up to where this step came; null at the end of the walk.
 */
export const FREE: Statement = {
  name: 'free-leases',
  text: `
  with looked_at as materialized (
    select event_seq, due_at, state = 'leased' and leased_by = any($4::uuid[]) as is_theirs
    from seam_relay.deliveries
    where hook = $1 and due_at is not null and (due_at, event_seq) > ($2::timestamptz, $3::bigint)
      and due_at < 'infinity'
    order by due_at, event_seq limit ${LOOKED_AT}
  ), theirs as materialized (
    select d.event_seq from looked_at l join seam_relay.deliveries d on d.hook = $1 and d.event_seq = l.event_seq
    where l.is_theirs and (d.state = 'leased' and d.leased_by = any($4::uuid[])) is true
    for update of d skip locked
  ), freed as (
    update seam_relay.deliveries d
    set state = 'pending', due_at = ${NOW}, lease_token = d.lease_token + 1, leased_by = null
    from theirs t where d.hook = $1 and d.event_seq = t.event_seq returning 1
  )
  select (select count(*) from freed) as freed, last.due_at::text as due_at, last.event_seq
  from (select) as one left join (
    select due_at, event_seq from looked_at order by due_at, event_seq offset ${LOOKED_AT - 1} limit 1
  ) last on true`,
}

/** Their leases are freed. */
export const FORGET: Statement = {
  name: 'forget-replicas',
  text: 'delete from seam_relay.replicas where id = any($1::uuid[]) and gone_at is not null',
}
