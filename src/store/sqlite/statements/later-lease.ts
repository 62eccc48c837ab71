import type { DatabaseSync } from 'node:sqlite'
import { LATER_LOOKED_AT } from '../../replay-scope.ts'
import { BLOCKED_UNTIL } from './claim-ordered.ts'

/**
 * Until when a later event of the credential is leased at the hook; `null`: none is. At an ordered hook the leased one is the
 * first that is undelivered, but for those that wait for it (step-replay.ts): so a few are enough to look at, however
 * many are in line.
 */
export function prepareLaterLease(db: DatabaseSync) {
  const select = db.prepare(
    `select max(due_at) as until from (
       select state, due_at from deliveries indexed by deliveries_order
       where hook = ?2 and order_key = (select credential_id from events where seq = ?1) and event_seq > ?1
         and settled_at is null
       order by event_seq limit ${LATER_LOOKED_AT})
     where state = 'leased' and due_at > ?3 and due_at < ${BLOCKED_UNTIL}`,
  )
  return (seq: number, hook: string, now: number): number | null =>
    select.get(seq, hook, now)?.['until'] as number | null
}
