import type { DatabaseSync } from 'node:sqlite'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store.ts'
import { HELD_UNTIL, prepareLeaseOrdered, prepareReleaseAll } from './ordering.ts'

/** A delivery that was leased, as it goes to the engine's thread. */
type LeasedRow = [
  eventSeq: number,
  hook: string,
  attempt: number,
  failures: number,
  activeSince: number,
  webhookId: string,
  eventType: string,
  body: string,
]

interface ClaimAnswer {
  rows: LeasedRow[]
  now: number
  nextDueAt: number | null
}

export function claimResult({ rows, now, nextDueAt }: ClaimAnswer): ClaimResult {
  return {
    deliveries: rows.map(
      ([eventSeq, hook, attempt, failures, activeSince, webhookId, eventType, body]): ClaimedDelivery => ({
        eventSeq,
        hook,
        webhookId,
        eventType,
        body,
        attempt,
        failures,
        ageMs: Math.max(0, now - activeSince),
      }),
    ),
    nextDueInMs: nextDueAt === null ? null : Math.max(0, nextDueAt - now),
  }
}

const COLUMNS =
  'd.event_seq, d.hook, d.attempts, d.failures, d.active_since, e.webhook_id, e.event_type, e.body'

/** Reads what is due through the index of the undelivered, then leases it row by row: nobody else writes here. */
export function prepareClaim(db: DatabaseSync) {
  const selectDue = db.prepare(
    `select ${COLUMNS} from deliveries d indexed by deliveries_due join events e on e.seq = d.event_seq
     where d.hook = ? and d.due_at <= ?
     order by d.due_at, d.event_seq limit ?`,
  )
  selectDue.setReturnArrays(true)
  const selectOne = db.prepare(
    `select ${COLUMNS} from deliveries d join events e on e.seq = d.event_seq where d.event_seq = ? and d.hook = ?`,
  )
  selectOne.setReturnArrays(true)
  const lease = db.prepare(
    `update deliveries set state = 'leased', attempts = attempts + 1, due_at = ? where event_seq = ? and hook = ?`,
  )
  const selectNextDue = db.prepare(
    `select min(due_at) as next from deliveries where hook = ? and due_at < ${HELD_UNTIL}`,
  )
  const leaseOrdered = prepareLeaseOrdered(db, lease)
  const releaseAll = prepareReleaseAll(db)

  return (wants: readonly ClaimWant[], now: number): ClaimAnswer => {
    const rows: LeasedRow[] = []
    let nextDueAt: number | null = null
    for (const want of wants) {
      const due = want.ordered === true ? claimOrdered(want, now) : claimAny(want, now)
      rows.push(...due)
      // A hook that took all it had room for asks again when there is room, not when something is due.
      if (due.length === want.limit) continue
      const next = selectNextDue.get(want.hook)?.['next'] as number | null
      if (next !== null) nextDueAt = Math.min(next, nextDueAt ?? next)
    }
    return { rows, now, nextDueAt }
  }

  function claimAny({ hook, limit, leaseMs }: ClaimWant, now: number): LeasedRow[] {
    releaseAll(hook, now)
    const due = selectDue.all(hook, now, limit) as unknown as LeasedRow[]
    for (const row of due) {
      lease.run(now + leaseMs, row[0], hook)
      row[2]++
    }
    return due
  }

  function claimOrdered(want: ClaimWant, now: number): LeasedRow[] {
    return leaseOrdered(want, now).map(
      (eventSeq) => selectOne.get(eventSeq, want.hook) as unknown as LeasedRow,
    )
  }
}
