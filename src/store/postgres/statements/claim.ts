import type { Statement } from '../connections.ts'
import { NOW, laterBy, momentOf, msBetween, msOf } from '../span-of-time.ts'
import { LEASED, RETURNED, sized } from './leased.ts'

/**
 * Parameters: for each hook its name, its limit, the bound on its bodies in bytes, the length of a lease, and from which
 * due time on to look; then who leases. One row for each leased delivery; a hook that was given none has one row without.
 */
export const CLAIM: Statement = {
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
    set state = 'leased', lease_token = d.lease_token + 1, due_at = ${laterBy('s.lease_ms')},
      leased_by = $6::uuid
    from sized s where d.event_seq = s.event_seq and d.hook = s.hook and s.bytes_before < s.max_bytes
    returning ${RETURNED}
  )
  select w.hook as wanted_by, w.next_due_in_ms, ${msOf(NOW)} as at, not exists (
      select from sized s where s.hook = w.hook and s.bytes_before >= s.max_bytes
    ) as is_through, ${LEASED}
  from wants w left join leased l on l.hook = w.hook
  order by l.was_due, l.event_seq`,
}
