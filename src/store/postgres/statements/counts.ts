import type { CountKind, CountRow, CountsRequest } from '../../records.ts'
import type { Connections, Statement } from '../connections.ts'
import { momentOf, msOf } from '../span-of-time.ts'

/**
 * Reads the counts of a span of time, which are together, and sums them up in steps. The steps are made of timestamps: in numbers, as
 * they are told, two weeks took more than twice as long.
 */
const COUNTS: Statement = {
  name: 'counts',
  text: `
  select ${msOf('step')} as at, kind, hook, code, count from (
    select date_bin($3::float8 * interval '1 ms', minute, ${momentOf('$1::float8')}) as step, kind, hook, code,
      sum(count)::bigint as count
    from seam_relay.counts where minute >= ${momentOf('$1::float8')} and minute < ${momentOf('$2::float8')}
    group by 1, 2, 3, 4
  ) summed order by step`,
}

export async function counts(
  connections: Connections,
  { since, until, stepMs }: CountsRequest,
): Promise<CountRow[]> {
  const rows = await connections.run(COUNTS, [since, until, stepMs])
  return rows.map((row) => ({
    at: row['at'] as number,
    kind: row['kind'] as CountKind,
    hook: row['hook'] as string,
    code: row['code'] as string,
    count: row['count'] as number,
  }))
}
