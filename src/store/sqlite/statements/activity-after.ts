import type { DatabaseSync } from 'node:sqlite'
import type { ActivityItem, ActivityPage } from '../../records.ts'

/** What was written after a number. The numbers have no holes: where one is missing in between, it was deleted. */
export function prepareActivityAfter(db: DatabaseSync) {
  const selectRows = db.prepare(
    'select number, at, items, skipped from activity where number > ? order by number limit ?',
  )
  const selectNewest = db.prepare('select coalesce(max(number), 0) as newest from activity')

  return ({ number, limit }: { number: number; limit: number }): ActivityPage => {
    const rows = number < 0 ? [] : selectRows.all(number, limit).map(rowOf)
    const newest = selectNewest.get()?.['newest'] as number
    const first = rows[0]
    const hasGap = first === undefined ? number > newest : first.number > number + 1
    return { rows, newest, hasGap }
  }
}

function rowOf(row: Record<string, unknown>): ActivityPage['rows'][number] {
  return {
    number: row['number'] as number,
    at: row['at'] as number,
    items: JSON.parse(row['items'] as string) as ActivityItem[],
    skipped: row['skipped'] as number,
  }
}
