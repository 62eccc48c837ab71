import type { DatabaseSync } from 'node:sqlite'
import type { SettleResult, Settlement } from '../../store.ts'
import { prepareUnblockAfter } from './unblock.ts'

/** A settlement on its way to the store's thread. */
export type SettleRow = [
  eventSeq: number,
  hook: string,
  leaseToken: number,
  /** `null` where nothing was sent; then the three after it are too. */
  durationMs: number | null,
  status: number | null,
  errorCode: string | null,
  answer: Uint8Array | null,
  state: 'delivered' | 'pending' | 'dead',
  /** Until a pending one is due again. */
  delayMs: number,
  failures: number | null,
]

export function settleRow({ eventSeq, hook, leaseToken, record, next }: Settlement): SettleRow {
  const delayMs = next.state === 'pending' ? Math.round(next.delayMs) : 0
  const failures = next.state === 'delivered' ? null : next.failures
  const { durationMs: exactMs = null, status = null, errorCode = null, answer = null } = record ?? {}
  const durationMs = exactMs === null ? null : Math.round(exactMs)
  return [eventSeq, hook, leaseToken, durationMs, status, errorCode, answer, next.state, delayMs, failures]
}

/** The time is that of the attempt's beginning, `null` if none was sent. More failures than before: this attempt failed. */
const FAILURES = `failing_since = coalesce(failing_since, iif(? > failures, ?, null)), failures = coalesce(?, failures)`

const THIS_LEASE = `event_seq = ? and hook = ? and lease_token = ? and state = 'leased'`

/** Ends leases that are still the latest of their delivery, and records every attempt that was sent. */
export function prepareSettle(db: DatabaseSync) {
  const finish = db.prepare(
    `update deliveries set state = ?, due_at = null, settled_at = ?, ${FAILURES},
       attempts = attempts + ? where ${THIS_LEASE} returning attempts`,
  )
  const putBack = db.prepare(
    `update deliveries set state = 'pending', due_at = ?, ${FAILURES}, attempts = attempts + ?
     where ${THIS_LEASE} returning attempts`,
  )
  const { hasBlocked, unblockAfter } = prepareUnblockAfter(db)
  const selectToken = db.prepare('select lease_token from deliveries where event_seq = ? and hook = ?')
  const countLate = db.prepare(
    `update deliveries set attempts = attempts + 1
     where event_seq = ?1 and hook = ?2 and not exists (
       select 1 from attempts where event_seq = ?1 and hook = ?2 and lease_token = ?3)
     returning attempts`,
  )
  const insertAttempt = db.prepare(
    `insert into attempts
       (event_seq, hook, attempt, lease_token, started_at, duration_ms, status, error_code, answer)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
  )

  return (rows: readonly SettleRow[], now: number): SettleResult[] => {
    const blocking = new Set([...new Set(rows.map(([, hook]) => hook))].filter(hasBlocked))
    return rows.map((row) => settleOne(row, now, blocking))
  }

  function settleOne(row: SettleRow, now: number, blocking: ReadonlySet<string>): SettleResult {
    const [eventSeq, hook, leaseToken, durationMs, , , , state, delayMs, failures] = row
    const sent = durationMs === null ? 0 : 1
    const startedAt = durationMs === null ? null : now - durationMs
    const settled =
      state === 'pending'
        ? putBack.get(now + delayMs, failures, startedAt, failures, sent, eventSeq, hook, leaseToken)
        : finish.get(state, now, failures, startedAt, failures, sent, eventSeq, hook, leaseToken)
    if (settled === undefined) return settleLate(row, now)
    record(row, settled['attempts'] as number, now)
    if (state !== 'pending' && blocking.has(hook)) unblockAfter(hook, eventSeq, now)
    return 'settled'
  }

  function settleLate(row: SettleRow, now: number): SettleResult {
    const [eventSeq, hook, leaseToken, durationMs] = row
    const latest = selectToken.get(eventSeq, hook)?.['lease_token']
    if (latest === leaseToken) return 'already_settled'
    const counted = durationMs === null ? undefined : countLate.get(eventSeq, hook, leaseToken)
    if (counted !== undefined) record(row, counted['attempts'] as number, now)
    return 'lease_lost'
  }

  function record(row: SettleRow, attempt: number, now: number): void {
    const [eventSeq, hook, leaseToken, durationMs, status, errorCode, answer] = row
    if (durationMs === null) return
    const startedAt = now - durationMs
    insertAttempt.run(eventSeq, hook, attempt, leaseToken, startedAt, durationMs, status, errorCode, answer)
  }
}
