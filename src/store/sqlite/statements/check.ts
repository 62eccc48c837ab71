import type { DatabaseSync } from 'node:sqlite'

/** Finds out whether the disk takes a change, by making one. */
export function prepareCheck(db: DatabaseSync) {
  const beat = db.prepare(
    'insert into heartbeat (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
  )
  return (_request: null, now: number): null => {
    beat.run(now)
    return null
  }
}
