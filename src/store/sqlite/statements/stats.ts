import type { DatabaseSync } from 'node:sqlite'
import type { HookStats } from '../../reader.ts'

/** Reads only the indices of undelivered deliveries and of dead letters. */
export function prepareStats(db: DatabaseSync) {
  const select = db.prepare(
    `select hook, sum(pending) as pending, sum(dead) as dead, min(since) as since from (
       select hook, count(*) as pending, 0 as dead, min(active_since) as since
       from deliveries indexed by deliveries_order where settled_at is null group by hook
       union all
       select hook, 0, count(*), null
       from deliveries indexed by deliveries_given_up where state = 'dead' and ended_code is not 'discarded' group by hook)
     group by hook order by hook`,
  )

  return (_request: null, now: number): HookStats[] =>
    select.all().map(({ hook, pending, dead, since }) => ({
      hook: hook as string,
      pending: pending as number,
      dead: dead as number,
      oldestPendingAgeMs: since === null ? null : Math.max(0, now - (since as number)),
    }))
}
