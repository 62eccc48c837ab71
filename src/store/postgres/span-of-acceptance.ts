import type { AcceptedSpan } from '../store.ts'
import { momentOf } from './span-of-time.ts'

// A span of acceptance as the parameters $1 (from, included), $2 (until, excluded) and $3 (the ids, or null).

/** Whether an event, `e`, was accepted in the span. */
export const IN_SPAN = `e.accepted_at >= coalesce(${momentOf('$1::float8')}, '-infinity')
  and e.accepted_at < coalesce(${momentOf('$2::float8')}, 'infinity')`

/** The numbers of the ids. */
export const SEQS_OF_IDS = 'select seq from seam_relay.event_ids where webhook_id = any($3::text[])'

export function spanParameters({ since, until, webhookIds }: AcceptedSpan): unknown[] {
  return [since ?? null, until ?? null, webhookIds ?? null]
}
