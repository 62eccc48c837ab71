import type { DatabaseSync } from 'node:sqlite'
import type { DiscardRequest } from '../../replay-jobs.ts'
import { BLOCKED_UNTIL } from './claim-ordered.ts'
import { prepareUnblockAll } from './unblock.ts'

/**
 * Blocked deliveries go first: their time is the latest. So when this is broken off and the hook comes back, none is left
 * blocked by one that was given up.
 */
export function prepareDiscard(db: DatabaseSync) {
  const discard = db.prepare(
    `update deliveries set state = 'dead', due_at = null, settled_at = :now, ended_code = 'discarded'
     where hook = :hook and event_seq in (
       select event_seq from deliveries indexed by deliveries_due
       where hook = :hook and due_at is not null and (state = 'pending' or due_at <= :now or due_at = ${BLOCKED_UNTIL})
       order by due_at desc limit :limit)`,
  )
  const unblockAll = prepareUnblockAll(db)

  return ({ hook, limit }: DiscardRequest, now: number): { discarded: number } => {
    const discarded = Number(discard.run({ hook, limit, now }).changes)
    if (discarded < limit) unblockAll(hook, now)
    return { discarded }
  }
}
