import type { StoredEvent } from '../../store/listings.ts'
import { firstDeliveredAt } from './event-view.ts'

/** What a hook knows of a credential. */
export interface Known {
  hook: string
  /** The newest event that it has got; `null` without any. */
  event: StoredEvent | null
  /** When it first got that, in milliseconds since 1970. */
  since: number | null
  /** From the time when it occurred at Seam, by Seam's clock, to that moment by ours; so it may be below 0. */
  afterSeamMs: number | null
  /** Events for it that it has not got. */
  missing: number
}

/** @param events in the order in which they occurred */
export function knownTo(events: readonly StoredEvent[]): Known[] {
  const known = new Map<string, Known>()
  for (const event of events) {
    for (const delivery of event.deliveries) {
      const { hook } = delivery
      const before = known.get(hook) ?? { hook, event: null, since: null, afterSeamMs: null, missing: 0 }
      const since = firstDeliveredAt(delivery)
      if (since === null) known.set(hook, { ...before, missing: before.missing + 1 })
      else known.set(hook, { ...before, event, since, afterSeamMs: afterSeam(event, since) })
    }
  }
  return [...known.values()].toSorted((one, other) => (one.hook < other.hook ? -1 : 1))
}

function afterSeam({ occurredAt }: StoredEvent, since: number): number | null {
  const occurred = Date.parse(occurredAt)
  return Number.isNaN(occurred) ? null : Math.round(since - occurred)
}
