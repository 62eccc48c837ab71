import type { DatabaseSync } from 'node:sqlite'

/** Often enough that a restart loses little of the time, and rare enough that its sync costs nothing. */
const WRITE_EVERY_MS = 60_000

/** The latest time that the file knows of, in milliseconds since 1970, about a minute old at most while the relay runs. */
export function lastWrittenAt(db: DatabaseSync): number | null {
  const found = db
    .prepare(
      `select max(at) as at from (select at from heartbeat union all
         select accepted_at from event_ids where seq = (select max(seq) from event_ids))`,
    )
    .get()
  return (found?.['at'] as number | null | undefined) ?? null
}

/** Writes the time down, unless that was done a short while ago. A disk that takes nothing now may take it later. */
export function prepareWriteTime(db: DatabaseSync): (now: number) => void {
  const beat = db.prepare(
    'insert into heartbeat (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
  )
  let triedAt = Number.NEGATIVE_INFINITY
  return (now) => {
    if (now < triedAt + WRITE_EVERY_MS) return
    triedAt = now
    try {
      beat.run(now)
    } catch {
      // No call depends on it, so none is refused for it.
    }
  }
}
