import type { CountKind, CountRow, CountsRequest } from '../../records.ts'
import type { Connections, Statement } from '../connections.ts'
import { momentOf, msOf } from '../span-of-time.ts'

/** Reads the counts of a span of time, which are together, and sums them up in steps. */
const COUNTS: Statement = {
  name: 'counts',
  text: `
  select $1::float8 + floor((${msOf('minute')} - $1::float8) / $3::float8) * $3::float8 as at, kind, hook, code,
    sum(count)::bigint as count
  from seam_relay.counts where minute >= ${momentOf('$1::float8')} and minute < ${momentOf('$2::float8')}
  group by 1, 2, 3, 4 order by 1`,
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
