import type { ActivityItem, ActivityPage } from '../../records.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'

/** What was written after a number. The numbers have no holes: where one is missing in between, it was deleted. */
const ROWS: Statement = {
  name: 'activity-rows',
  text: `
  select number, round(${msOf('at')}) as at, items, skipped
  from seam_relay.activity where number > $1 order by number limit $2`,
}
const NEWEST: Statement = {
  name: 'activity-newest',
  text: 'select coalesce(max(number), 0) as newest from seam_relay.activity',
}

export async function activityAfter(
  connections: Connections,
  number: number,
  limit: number,
): Promise<ActivityPage> {
  const [found, newestRows] = await connections.transaction([
    [ROWS, [number, number < 0 ? 0 : limit]],
    [NEWEST, []],
  ])
  const rows = (found ?? []).map(rowOf)
  const newest = newestRows?.[0]?.['newest'] as number
  const first = rows[0]
  const hasGap = first === undefined ? number > newest : first.number > number + 1
  return { rows, newest, hasGap }
}

function rowOf(row: Row): ActivityPage['rows'][number] {
  return {
    number: row['number'] as number,
    at: row['at'] as number,
    items: row['items'] as ActivityItem[],
    skipped: row['skipped'] as number,
  }
}
