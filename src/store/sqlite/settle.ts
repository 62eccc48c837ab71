import type { DatabaseSync } from 'node:sqlite'
import type { Settlement } from '../store.ts'

/** The attempt is history and is written in any case; the state only by whoever still holds the lease. */
export function prepareSettle(db: DatabaseSync) {
  const insertAttempt = db.prepare(
    `insert into attempts (event_seq, hook, attempt, started_at, duration_ms, status, error_code, answer)
     values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
  )
  const finish = db.prepare(
    `update deliveries set state = ?, due_at = null, failures = coalesce(?, failures), settled_at = ?
     where event_seq = ? and hook = ? and attempts = ? and state = 'leased'`,
  )
  const putBack = db.prepare(
    `update deliveries set state = 'pending', due_at = ?, failures = ?
     where event_seq = ? and hook = ? and attempts = ? and state = 'leased'`,
  )

  return (settlements: readonly Settlement[], now: number): boolean[] =>
    settlements.map(({ eventSeq, hook, attempt, record, next }) => {
      insertAttempt.run(
        eventSeq,
        hook,
        attempt,
        now - record.durationMs,
        record.durationMs,
        record.status,
        record.errorCode,
        record.answer,
      )
      const result =
        next.state === 'pending'
          ? putBack.run(now + next.delayMs, next.failures, eventSeq, hook, attempt)
          : finish.run(next.state, next.state === 'dead' ? next.failures : null, now, eventSeq, hook, attempt)
      return result.changes === 1
    })
}
