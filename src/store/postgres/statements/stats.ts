import type { HookStats } from '../../reader.ts'
import type { Connections, Statement } from '../connections.ts'
import { msBetween } from '../span-of-time.ts'

/** Reads only undelivered deliveries and the index of dead ones. */
const STATS: Statement = {
  name: 'stats',
  text: `
  select hook, sum(pending)::bigint as pending, sum(dead)::bigint as dead, ${msBetween('min(since)')} as oldest_ms
  from (
    select hook, count(*) as pending, 0 as dead, min(active_since) as since
    from seam_relay.deliveries where settled_at is null group by hook
    union all
    select hook, 0, count(*), null from seam_relay.deliveries
    where state = 'dead' and ended_code is distinct from 'discarded' group by hook
  ) counted group by hook order by hook`,
}

export async function stats(connections: Connections): Promise<HookStats[]> {
  return (await connections.run(STATS)).map((row) => {
    const oldestMs = row['oldest_ms'] as number | null
    return {
      hook: row['hook'] as string,
      pending: row['pending'] as number,
      dead: row['dead'] as number,
      oldestPendingAgeMs: oldestMs === null ? null : Math.max(0, Math.round(oldestMs)),
    }
  })
}
