import type { DatabaseSync } from 'node:sqlite'
import { tryRoom } from '../room.ts'

/** Finds out whether the disk takes a change, by making one, and has room for the largest event. */
export function prepareCheck(db: DatabaseSync, largestBodyBytes: number) {
  const file = db.location()
  const beat = db.prepare(
    'insert into heartbeat (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
  )
  return (_request: null, now: number): null => {
    if (file !== null) tryRoom(file, largestBodyBytes)
    beat.run(now)
    return null
  }
}
