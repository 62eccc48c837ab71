import type { DatabaseSync } from 'node:sqlite'
import type { Settlement } from '../store.ts'
import { prepareRelease } from './ordering.ts'

/** A settlement on its way to the store's thread. `delayMs`: until it is due again, for a pending one. */
export type SettleRow = [
  eventSeq: number,
  hook: string,
  attempt: number,
  durationMs: number,
  status: number | null,
  errorCode: string | null,
  answer: Uint8Array | null,
  state: 'delivered' | 'pending' | 'dead',
  delayMs: number,
  failures: number | null,
]

export function settleRow({ eventSeq, hook, attempt, record, next }: Settlement): SettleRow {
  const delayMs = next.state === 'pending' ? next.delayMs : 0
  const failures = next.state === 'delivered' ? null : next.failures
  const { durationMs, status, errorCode, answer } = record
  return [eventSeq, hook, attempt, durationMs, status, errorCode, answer, next.state, delayMs, failures]
}

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
  const { isHolding, releaseNext } = prepareRelease(db)
  const putBack = db.prepare(
    `update deliveries set state = 'pending', due_at = ?, failures = ?
     where event_seq = ? and hook = ? and attempts = ? and state = 'leased'`,
  )

  return (rows: readonly SettleRow[], now: number): boolean[] => {
    const holding = new Set([...new Set(rows.map(([, hook]) => hook))].filter(isHolding))
    return rows.map(
      ([eventSeq, hook, attempt, durationMs, status, errorCode, answer, state, delayMs, failures]) => {
        insertAttempt.run(eventSeq, hook, attempt, now - durationMs, durationMs, status, errorCode, answer)
        if (state === 'pending') {
          return putBack.run(now + delayMs, failures, eventSeq, hook, attempt).changes === 1
        }
        const isFinished = finish.run(state, failures, now, eventSeq, hook, attempt).changes === 1
        if (isFinished && holding.has(hook)) releaseNext(hook, eventSeq, now)
        return isFinished
      },
    )
  }
}
