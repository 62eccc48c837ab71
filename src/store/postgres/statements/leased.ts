import type { ClaimedDelivery } from '../../store.ts'
import type { Row } from '../connections.ts'
import { msBetween, msOf } from '../span-of-time.ts'

// What the two kinds of claims have in common: how they bound the bodies that they read, and what they give.

/**
 * The rows of a part of the statement with their events, and how many bytes of bodies stand before each in its hook. The
 * length of a large text is known without reading it, and a body that is not given stays a reference, so a claim reads
 * only the bodies that it gives.
 */
export function sized(rows: string, hook: string): string {
  return `select ${rows}.*, e.webhook_id, e.event_type, e.body, coalesce(sum(octet_length(e.body)) over (
      partition by ${hook} order by ${rows}.due_at, ${rows}.event_seq rows between unbounded preceding and 1 preceding
    ), 0) as bytes_before
    from ${rows} join seam_relay.events e on e.seq = ${rows}.event_seq`
}

/** What the lease of a delivery, `d`, returns together with what `sized` gave, `s`. */
export const RETURNED = `d.event_seq, d.hook, d.lease_token, d.attempts, d.failures, d.active_since, d.failing_since,
      s.due_at as was_due, s.webhook_id, s.event_type, s.body`

/** The columns of a leased delivery, `l`. */
export const LEASED = `l.event_seq, l.hook, l.lease_token, l.attempts, l.failures,
  ${msBetween('l.active_since')} as age_ms, ${msBetween('l.failing_since')} as failing_for_ms,
  ${msOf('l.was_due')} as was_due, l.webhook_id, l.event_type, l.body`

export function isLeased(row: Row): boolean {
  return row['event_seq'] !== null
}

export function claimedDelivery(row: Row): ClaimedDelivery {
  const failingForMs = row['failing_for_ms'] as number | null
  return {
    eventSeq: row['event_seq'] as number,
    hook: row['hook'] as string,
    webhookId: row['webhook_id'] as string,
    eventType: row['event_type'] as string,
    body: row['body'] as string,
    leaseToken: row['lease_token'] as number,
    attempt: (row['attempts'] as number) + 1,
    failures: row['failures'] as number,
    ageMs: Math.max(0, Math.round(row['age_ms'] as number)),
    failingForMs: failingForMs === null ? null : Math.max(0, Math.round(failingForMs)),
  }
}
