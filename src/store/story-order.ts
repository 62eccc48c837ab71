import { byOccurrence } from '../events/occurred-order.ts'
import type { StoredEvent } from './listings.ts'

/** As they occurred; those that occurred at one moment, as they were accepted. */
export function inOrderOfOccurrence(events: readonly StoredEvent[]): StoredEvent[] {
  return events.toSorted((a, b) => byOccurrence(a.occurredAt, b.occurredAt) || a.eventSeq - b.eventSeq)
}
