import type { DatabaseSync } from 'node:sqlite'
import {
  ACTIVITY_DELETED_AT_ONCE,
  ACTIVITY_KEPT_ROWS,
  COUNTS_DELETED_AT_ONCE,
  COUNTS_KEPT_MS,
} from '../../records.ts'
import type { RecordRequest } from '../../records.ts'

const MINUTE_MS = 60_000

/** Adds to the counts of this minute, and writes down what happened. Deletes a little of what is old. */
export function prepareRecord(db: DatabaseSync) {
  const add = db.prepare(
    `insert into counts (minute, kind, hook, code, count) values (?, ?, ?, ?, ?)
     on conflict (minute, kind, hook, code) do update set count = count + excluded.count`,
  )
  const deleteCounts = db.prepare(
    `delete from counts where (minute, kind, hook, code) in (
       select minute, kind, hook, code from counts where minute < ? order by minute limit ?)`,
  )
  const addActivity = db.prepare('insert into activity (at, items, skipped) values (?, ?, ?)')
  const deleteActivity = db.prepare(
    'delete from activity where number in (select number from activity where number <= ? order by number limit ?)',
  )

  return ({ counts, activity, skipped }: RecordRequest, now: number): void => {
    const minute = now - (now % MINUTE_MS)
    for (const { kind, hook, code, count } of counts) add.run(minute, kind, hook, code, count)
    deleteCounts.run(now - COUNTS_KEPT_MS, COUNTS_DELETED_AT_ONCE)
    if (activity.length === 0 && skipped === 0) return
    const number = Number(addActivity.run(now, JSON.stringify(activity), skipped).lastInsertRowid)
    deleteActivity.run(number - ACTIVITY_KEPT_ROWS, ACTIVITY_DELETED_AT_ONCE)
  }
}
