import type { DatabaseSync } from 'node:sqlite'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store.ts'

interface DueRow {
  event_seq: number
  attempts: number
  failures: number
  active_since: number
  webhook_id: string
  event_type: string
  body: string
}

/** Reads what is due through the index of the undelivered, then leases it row by row: nobody else writes here. */
export function prepareClaim(db: DatabaseSync) {
  const selectDue = db.prepare(
    `select d.event_seq, d.attempts, d.failures, d.active_since, e.webhook_id, e.event_type, e.body
     from deliveries d indexed by deliveries_due join events e on e.seq = d.event_seq
     where d.hook = ? and d.due_at <= ?
     order by d.due_at, d.event_seq limit ?`,
  )
  const lease = db.prepare(
    `update deliveries set state = 'leased', attempts = ?, due_at = ? where event_seq = ? and hook = ?`,
  )
  const selectNextDue = db.prepare(
    'select min(due_at) as next from deliveries where hook = ? and due_at is not null',
  )

  return (wants: readonly ClaimWant[], now: number): ClaimResult => {
    const deliveries: ClaimedDelivery[] = []
    let nextDueAt: number | null = null
    for (const { hook, limit, leaseMs } of wants) {
      const due = selectDue.all(hook, now, limit) as unknown as DueRow[]
      for (const row of due) {
        const attempt = row.attempts + 1
        lease.run(attempt, now + leaseMs, row.event_seq, hook)
        deliveries.push({
          eventSeq: row.event_seq,
          hook,
          webhookId: row.webhook_id,
          eventType: row.event_type,
          body: row.body,
          attempt,
          failures: row.failures,
          ageMs: Math.max(0, now - row.active_since),
        })
      }
      // A hook that took all it had room for asks again when there is room, not when something is due.
      if (due.length === limit) continue
      const next = selectNextDue.get(hook)?.['next'] as number | null
      if (next !== null) nextDueAt = Math.min(next, nextDueAt ?? next)
    }
    return { deliveries, nextDueInMs: nextDueAt === null ? null : Math.max(0, nextDueAt - now) }
  }
}
