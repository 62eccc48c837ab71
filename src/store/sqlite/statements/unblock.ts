import type { DatabaseSync } from 'node:sqlite'
import { BLOCKED_UNTIL } from './claim-ordered.ts'

/** After a delivery was settled for good: makes the first undelivered one of its credential due, if it is blocked. */
export function prepareUnblockAfter(db: DatabaseSync) {
  const selectBlocked = db.prepare(
    `select 1 from deliveries indexed by deliveries_due where hook = ? and due_at = ${BLOCKED_UNTIL} limit 1`,
  )
  const unblock = db.prepare(
    `update deliveries set due_at = ?1
     where due_at = ${BLOCKED_UNTIL} and hook = ?2 and event_seq = (
       select next.event_seq from deliveries ended
       join deliveries next indexed by deliveries_order
         on next.hook = ended.hook and next.order_key = ended.order_key and next.settled_at is null
       where ended.event_seq = ?3 and ended.hook = ?2 order by next.event_seq limit 1)`,
  )
  return {
    /** Most hooks have nothing blocked. Asked once for a batch, this spares them the search (a third of settling). */
    hasBlocked: (hook: string): boolean => selectBlocked.get(hook) !== undefined,
    unblockAfter: (hook: string, endedSeq: number, now: number): void =>
      void unblock.run(now, hook, endedSeq),
  }
}

/** For a hook whose ordering has been switched off. */
export function prepareUnblockAll(db: DatabaseSync) {
  const unblockAll = db.prepare(
    `update deliveries indexed by deliveries_due set due_at = ? where hook = ? and due_at = ${BLOCKED_UNTIL}`,
  )
  return (hook: string, now: number): void => void unblockAll.run(now, hook)
}
