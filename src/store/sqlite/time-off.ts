import type { DatabaseSync } from 'node:sqlite'

/** Shorter times off are not worth going through everything that is undelivered. */
const LONG_OFF_MS = 3_600_000

/**
 * The time in which the relay was off does not count towards giving up, because nobody tried anything in it. A start
 * cannot tell it from a wall clock that is ahead, so neither does that. Together with the time that is written down, so
 * that it is taken off once.
 * @param writtenAt when the file was last written, by its own time; `null` for a new one
 * @param now milliseconds since 1970
 */
export function discountTimeOff(db: DatabaseSync, writtenAt: number | null, now: number): void {
  const offMs = now - (writtenAt ?? now)
  if (offMs < LONG_OFF_MS) return
  db.exec('begin immediate')
  try {
    db.prepare(
      `update deliveries set active_since = min(?2, active_since + ?1), failing_since = min(?2, failing_since + ?1)
       where settled_at is null`,
    ).run(offMs, now)
    db.prepare(
      'insert into heartbeat (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
    ).run(now)
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}
