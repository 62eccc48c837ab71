import type { DatabaseSync } from 'node:sqlite'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store.ts'

/** A due delivery as it is read, and as it goes to the engine's thread. */
type DueRow = [
  eventSeq: number,
  hook: string,
  attempts: number,
  failures: number,
  activeSince: number,
  webhookId: string,
  eventType: string,
  body: string,
]

interface ClaimAnswer {
  rows: DueRow[]
  now: number
  nextDueAt: number | null
}

export function claimResult({ rows, now, nextDueAt }: ClaimAnswer): ClaimResult {
  return {
    deliveries: rows.map(
      ([eventSeq, hook, attempts, failures, activeSince, webhookId, eventType, body]): ClaimedDelivery => ({
        eventSeq,
        hook,
        webhookId,
        eventType,
        body,
        attempt: attempts + 1,
        failures,
        ageMs: Math.max(0, now - activeSince),
      }),
    ),
    nextDueInMs: nextDueAt === null ? null : Math.max(0, nextDueAt - now),
  }
}

/** Reads what is due through the index of the undelivered, then leases it row by row: nobody else writes here. */
export function prepareClaim(db: DatabaseSync) {
  const selectDue = db.prepare(
    `select d.event_seq, d.hook, d.attempts, d.failures, d.active_since, e.webhook_id, e.event_type, e.body
     from deliveries d indexed by deliveries_due join events e on e.seq = d.event_seq
     where d.hook = ? and d.due_at <= ?
     order by d.due_at, d.event_seq limit ?`,
  )
  selectDue.setReturnArrays(true)
  const lease = db.prepare(
    `update deliveries set state = 'leased', attempts = ?, due_at = ? where event_seq = ? and hook = ?`,
  )
  const selectNextDue = db.prepare(
    'select min(due_at) as next from deliveries where hook = ? and due_at is not null',
  )

  return (wants: readonly ClaimWant[], now: number): ClaimAnswer => {
    const rows: DueRow[] = []
    let nextDueAt: number | null = null
    for (const { hook, limit, leaseMs } of wants) {
      const due = selectDue.all(hook, now, limit) as unknown as DueRow[]
      for (const [eventSeq, , attempts] of due) lease.run(attempts + 1, now + leaseMs, eventSeq, hook)
      rows.push(...due)
      // A hook that took all it had room for asks again when there is room, not when something is due.
      if (due.length === limit) continue
      const next = selectNextDue.get(hook)?.['next'] as number | null
      if (next !== null) nextDueAt = Math.min(next, nextDueAt ?? next)
    }
    return { rows, now, nextDueAt }
  }
}
