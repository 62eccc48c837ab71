import type { DatabaseSync } from 'node:sqlite'
import { failureGroups, rowsForEachHook } from '../../failure-groups.ts'
import type { FailureCount } from '../../failure-groups.ts'
import type { FailureGroup } from '../../listings.ts'
import { BLOCKED_UNTIL } from './claim-ordered.ts'
import { CODE } from './event-rows.ts'
import { prepareHooksWith } from './hooks-with.ts'

interface CountRow {
  code: string | null
  hasFailed: number
  count: number
  since: number
}

/**
 * Of each hook the newest dead, and of what is pending those that are due last: a failed one is tried again later and
 * later. One that is blocked by an earlier event has not been tried.
 */
export function prepareFailures(db: DatabaseSync) {
  const hooksWith = prepareHooksWith(db)
  const countDead = db.prepare(
    grouped(`select ${CODE} as code, 1 as has_failed, d.active_since from deliveries d indexed by deliveries_given_up
      where d.state = 'dead' and d.ended_code is not 'discarded' and d.hook = ? order by d.event_seq desc limit ?`),
  )
  const countFailed = db.prepare(
    grouped(`select case when d.failures > 0 then ${CODE} end as code, d.failures > 0 as has_failed, d.active_since
      from deliveries d indexed by deliveries_due
      where d.hook = ? and d.due_at < ${BLOCKED_UNTIL} order by d.due_at desc limit ?`),
  )
  const kinds = [
    { kind: 'dead', among: 'open', statement: countDead },
    { kind: 'pending', among: 'undelivered', statement: countFailed },
  ] as const

  return (_request: null): FailureGroup[] => {
    const counts: FailureCount[] = []
    const cutShort = new Set<string>()
    for (const { kind, among, statement } of kinds) {
      const hooks = hooksWith(among)
      const most = rowsForEachHook('failures', hooks.length)
      for (const hook of hooks) {
        const rows = statement.all(hook, most) as unknown as CountRow[]
        if (rows.reduce((sum, { count }) => sum + count, 0) >= most) cutShort.add(hook)
        const failed = rows.filter(({ hasFailed }) => hasFailed === 1)
        counts.push(...failed.map(({ code, count, since }) => ({ hook, kind, code, count, since })))
      }
    }
    return failureGroups(counts, cutShort)
  }
}

function grouped(rows: string): string {
  return `select code, has_failed as "hasFailed", count(*) as count, min(active_since) as since
    from (${rows}) group by code, has_failed`
}
