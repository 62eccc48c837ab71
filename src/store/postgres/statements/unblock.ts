import type { Statement, Step } from '../connections.ts'
import { NOW } from '../span-of-time.ts'
import { lockForUnblock } from './ordering-locks.ts'

/**
 * For each delivery that has just ended, makes the first blocked one of its credential due. It stops at the first
 * delivery that is neither leased nor blocked: when that one ends, this statement runs again. Leased ones are passed over,
 * because one may be ending at this moment in a transaction that cannot see ours; there are only a few of them. A delivery
 * that was blocked after its lease ran out still has the state leased. `is true`: see claim-ordered.ts.
 */
const UNBLOCK_AFTER: Statement = {
  name: 'unblock-after',
  text: `
  with ended as materialized (
    select distinct d.hook, d.order_key
    from unnest($1::bigint[], $2::text[]) as i (event_seq, hook) join seam_relay.deliveries d using (event_seq, hook)
    where d.order_key is not null and exists (
      select from seam_relay.deliveries where hook = any($3::text[]) and due_at = 'infinity')
  )
  update seam_relay.deliveries d set due_at = ${NOW}
  from ended e cross join lateral (
    select n.event_seq, n.due_at from seam_relay.deliveries n
    where n.hook = e.hook and n.order_key = e.order_key and n.settled_at is null
      and (n.state <> 'leased' or n.due_at = 'infinity') is true
    order by n.event_seq limit 1
  ) first
  where first.due_at = 'infinity' and d.hook = e.hook and d.event_seq = first.event_seq
    and (d.due_at = 'infinity') is true`,
}

const UNBLOCK_ALL: Statement = {
  name: 'unblock-all',
  text: `update seam_relay.deliveries set due_at = ${NOW} where hook = any($1::text[]) and due_at = 'infinity'`,
}

/** The steps that end a transaction in which these deliveries came to their end. */
export function unblockAfter(ended: readonly { eventSeq: number; hook: string }[]): Step[] {
  const hooks = [...new Set(ended.map(({ hook }) => hook))]
  const seqs = ended.map(({ eventSeq }) => eventSeq)
  return [lockForUnblock(hooks), [UNBLOCK_AFTER, [seqs, ended.map(({ hook }) => hook), hooks]]]
}

/** For hooks whose ordering has been switched off. */
export function unblockAll(hooks: readonly string[]): Step {
  return [UNBLOCK_ALL, [hooks]]
}
