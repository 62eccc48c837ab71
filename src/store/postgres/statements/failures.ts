import { failureGroups, rowsForEachHook } from '../../failure-groups.ts'
import type { FailureCount } from '../../failure-groups.ts'
import type { FailureGroup } from '../../listings.ts'
import type { Connections, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'
import { CODE } from './event-rows.ts'
import { hooksWith } from './hooks-with.ts'

/*
 * Of each hook the newest dead, and of what is pending those that are due last: a failed one is tried again later and
 * later. One that is blocked by an earlier event has not been tried.
 */

const COUNT_DEAD: Statement = {
  name: 'count-dead-failures',
  text: grouped(`select d.event_seq, d.hook, d.ended_code, d.active_since, true as has_failed
      from seam_relay.deliveries d where d.state = 'dead' and d.ended_code is distinct from 'discarded' and d.hook = h.hook
      order by d.event_seq desc limit $2::integer`),
}
const COUNT_FAILED: Statement = {
  name: 'count-pending-failures',
  text: grouped(`select d.event_seq, d.hook, d.ended_code, d.active_since, d.failures > 0 as has_failed
      from seam_relay.deliveries d where d.due_at is not null and d.hook = h.hook and d.due_at < 'infinity'
      order by d.due_at desc limit $2::integer`),
}

function grouped(rows: string): string {
  return `
  select d.hook, d.has_failed, d.code, count(*) as count, round(${msOf('min(d.active_since)')}) as since
  from unnest($1::text[]) h (hook) cross join lateral (
    select d.hook, d.has_failed, d.active_since, case when d.has_failed then ${CODE} end as code
    from (${rows}) d
  ) d group by d.hook, d.has_failed, d.code`
}

export async function failures(connections: Connections): Promise<FailureGroup[]> {
  const cutShort = new Set<string>()
  const dead = await countsOf(connections, 'dead', cutShort)
  const pending = await countsOf(connections, 'pending', cutShort)
  return failureGroups([...dead, ...pending], cutShort)
}

/** @param cutShort the hooks that have more than was looked at are added to it */
async function countsOf(
  connections: Connections,
  kind: 'dead' | 'pending',
  cutShort: Set<string>,
): Promise<FailureCount[]> {
  const hooks = await hooksWith(connections, kind === 'dead' ? 'open' : 'undelivered')
  if (hooks.length === 0) return []
  const most = rowsForEachHook('failures', hooks.length)
  const rows = await connections.run(kind === 'dead' ? COUNT_DEAD : COUNT_FAILED, [hooks, most])
  for (const [hook, some] of Map.groupBy(rows, (row) => row['hook'] as string)) {
    if (some.reduce((sum, row) => sum + (row['count'] as number), 0) >= most) cutShort.add(hook)
  }
  return rows
    .filter((row) => row['has_failed'] === true)
    .map((row) => ({
      hook: row['hook'] as string,
      kind,
      code: row['code'] as string | null,
      count: row['count'] as number,
      since: row['since'] as number,
    }))
}
