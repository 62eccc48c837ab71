import type { BodyProblem } from '../events/judge.ts'
import type { DeliveryHistory } from './reader.ts'
import type { EventSource } from './store.ts'

/**
 * Lists, searches and stories: the part of the `Reader` behind the operator's page.
 *
 * - Lists are newest first. A page ends with a cursor; the page after it begins where that one ended, whatever has
 *   been accepted meanwhile, so nothing is shown twice or left out. A cursor says where to go on, and is the store's own business.
 * - Where no index serves a filter, a page looks at no more than a bounded number of rows, newest first. It may hold fewer items than
 *   `limit`, or none, and still have a `next`; `searchedBackTo` then says how far back it has looked.
 * - Times are in milliseconds since 1970. Ids are compared in lower case.
 */
export interface Listings {
  listEvents(request: ListEvents): Promise<Page<EventSummary>>

  /**
   * The event of this `event_id` or `webhook-id`, with its body; `null`: it is not stored (any more). An event comes before a
   * sample whose message id is the same; of the id that all samples share, it is the newest.
   */
  findEvent(id: string): Promise<StoredEvent | null>

  /** At most so many of the newest events about this credential, access method or grant, in the order in which they occurred. */
  storyOf(credentialId: string, limit: number): Promise<StoredEvent[]>

  /** What an id belongs to, exact ones first, at most 20. Empty: nothing that could be found. */
  search(id: string): Promise<SearchHit[]>

  listDeliveries(request: ListDeliveries): Promise<Page<DeliverySummary>>

  /** What is dead and was not given up by a person, and what is pending and has failed, grouped by hook and code of its last failure. */
  failures(): Promise<FailureGroup[]>

  /**
   * Of the revocations (events of the types that are named), those that a hook has not got: pending or leased for longer
   * than `olderThanMs`, or dead and not given up by a person. For each hook. It looks at a bounded number of rows: a hook of which there are more, and among
   * those none, is named with a count of 0.
   */
  undeliveredOf(eventTypes: readonly string[], olderThanMs: number): Promise<UndeliveredOfHook[]>

  listQuarantine(request: PageRequest): Promise<Page<QuarantineSummary>>
  /** `null`: there is none of this id (any more). */
  findQuarantined(id: string): Promise<Quarantined | null>
}

/** What was given as a page's end is not one, or one of another list or of another version. */
export class CursorError extends Error {
  readonly code = 'cursor_invalid'

  constructor() {
    super('the cursor is not one that this list has given: begin again without one')
    this.name = 'CursorError'
  }
}

export interface PageRequest {
  /** At most so many items, and never more than 1000. */
  limit: number
  /** The `next` of the page before; without it, the newest. @throws {CursorError} if it is not such a one */
  after?: string
}

export interface Page<Item> {
  items: Item[]
  /** `null`: there are no more. */
  next: string | null
  /** How far back a page has looked that is shorter than it might be; `null` where it has looked at everything it had to. */
  searchedBackTo: number | null
}

export interface ListEvents extends PageRequest {
  /** A type, or a pattern such as `acs_credential.*`. */
  type?: string
  credentialId?: string
  workspaceId?: string
  /** Accepted from `since` up to but without `until`. */
  since?: number
  until?: number
}

export interface EventSummary {
  eventSeq: number
  eventId: string
  webhookId: string
  messageId: string
  eventType: string
  workspaceId: string
  credentialId: string | null
  systemId: string | null
  accountId: string | null
  /** As Seam wrote it. */
  occurredAt: string
  acceptedAt: number
  isSample: boolean
  source: EventSource
  /** How often it came again with the same content. */
  duplicates: number
  deliveries: DeliveryState[]
}

export interface DeliveryState {
  hook: string
  state: DeliveryHistory['state']
  attempts: number
  /** When it became delivered or dead; `null` before. */
  settledAt: number | null
  /** When it may be sent next; `null` unless it is pending, and while it is blocked by an earlier event of its credential. */
  dueAt: number | null
  /** The code of its last failure, or why it was ended; `null` without any. */
  code: string | null
}

export interface StoredEvent extends Omit<EventSummary, 'deliveries'> {
  body: string
  deliveries: (DeliveryState & DeliveryHistory)[]
}

export type SearchHit =
  | { kind: 'event'; id: string; eventType: string; acceptedAt: number }
  /** `events`: at most 1000 are counted. */
  | { kind: 'credential'; id: string; events: number }
  | { kind: 'workspace' | 'system' | 'account'; id: string }
  | { kind: 'quarantine'; id: string; receivedAt: number }
  | { kind: 'replay'; id: string }

export interface ListDeliveries extends PageRequest {
  state?: DeliveryHistory['state']
  hook?: string
  /** The code of the last failure. */
  code?: string
}

export interface DeliverySummary extends DeliveryState {
  eventSeq: number
  eventId: string
  webhookId: string
  eventType: string
  credentialId: string | null
  acceptedAt: number
}

export interface FailureGroup {
  hook: string
  /** `null`: what was recorded of it names none. */
  code: string | null
  dead: number
  /** Pending or leased, and has failed at least once. */
  pending: number
  /** When the oldest of them was accepted, or last replayed. */
  since: number
  /** `false`: there are more than could be looked at; a replay counts them all. */
  isComplete: boolean
}

export interface UndeliveredOfHook {
  hook: string
  count: number
  /** Of these, so many are dead. */
  dead: number
  since: number
  /** The code of the last failure of the oldest one. */
  code: string | null
  /** `false`: at least so many. */
  isComplete: boolean
}

export interface QuarantineSummary {
  id: string
  messageId: string
  receivedAt: number
  lastSeenAt: number
  timesSeen: number
  problems: BodyProblem[]
}

export interface Quarantined extends QuarantineSummary {
  body: Uint8Array
}
