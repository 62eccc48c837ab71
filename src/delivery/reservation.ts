import type { ClaimedDelivery, NewDelivery } from '../store/store.ts'
import { leaseMsOf } from './lease.ts'
import type { Lane } from './lane.ts'
import type { Ticket } from './window.ts'

/** The event that is about to be accepted, as a hook would get it. */
export type ReservedEvent = Pick<ClaimedDelivery, 'webhookId' | 'eventType' | 'body'>

/** What the engine does when a reservation ends. None of these may throw. */
export interface ReservationEnd {
  /** The store has leased these to this process: one, or none if nothing came of it. */
  redeem(lane: Lane, ticket: Ticket, deliveries: readonly ClaimedDelivery[]): void
  /** The delivery is on disk and due, without a reservation. */
  due(lane: Lane): void
  /** After all of these. */
  ended(): void
}

/** One hook's share of a reservation. Without a ticket the delivery waits its turn in the store. */
export interface ReservedPart {
  hook: string
  lane: Lane | undefined
  ticket: Ticket | null
}

/**
 * Room in the hooks' windows for one event that is about to be accepted. Whoever asked for it says once what became
 * of the event: `accepted`, or `released` if it was a duplicate or could not be stored. Neither throws.
 */
export class Reservation {
  /** For the store: one delivery for each hook, leased where there was room. */
  readonly deliveries: readonly NewDelivery[]
  readonly #event: ReservedEvent
  readonly #parts: readonly ReservedPart[]
  readonly #end: ReservationEnd

  constructor(event: ReservedEvent, parts: readonly ReservedPart[], end: ReservationEnd) {
    this.#event = event
    this.#parts = parts
    this.#end = end
    this.deliveries = parts.map(({ hook, lane, ticket }) =>
      ticket === null || !lane?.hook ? { hook } : { hook, leaseMs: leaseMsOf(lane.hook) },
    )
  }

  /** The event is on disk under this number. */
  accepted(eventSeq: number): void {
    for (const { hook, lane, ticket } of this.#parts) {
      if (lane === undefined) continue
      if (ticket === null) this.#end.due(lane)
      else this.#end.redeem(lane, ticket, [firstDelivery(this.#event, eventSeq, hook)])
    }
    this.#end.ended()
  }

  /** No event came of it. */
  released(): void {
    for (const { lane, ticket } of this.#parts) {
      if (lane !== undefined && ticket !== null) this.#end.redeem(lane, ticket, [])
    }
    this.#end.ended()
  }
}

/** The same as a claim would give for it. */
function firstDelivery(event: ReservedEvent, eventSeq: number, hook: string): ClaimedDelivery {
  const { webhookId, eventType, body } = event
  const untried = { leaseToken: 1, attempt: 1, failures: 0, ageMs: 0, failingForMs: null }
  return { eventSeq, hook, webhookId, eventType, body, ...untried }
}
