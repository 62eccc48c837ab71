import type { BodyProblem, JudgedEvent } from '../events/judge.ts'

/**
 * Custody: what was answered with a 2xx, and what became of it. Every store keeps these promises, and
 * `test/store/store-contract.ts` holds each of them against every store.
 *
 * - A promise that resolves means that what was asked is on disk. One that rejects (`StoreError`) means that
 *   it is not, or that this cannot be told; asking again is always safe.
 * - Every method is one atomic step. None needs another to have been called before it.
 * - The store's clock is the only one: leases, due times and ages are told to it and by it as spans in
 *   milliseconds, so that replicas with different clocks agree.
 * - The order of acceptance is the order of `eventSeq`.
 */
export interface Store {
  /**
   * Takes an event into custody together with one pending delivery for each hook, or finds that its
   * `webhookId` is known. Of any number of concurrent calls with one `webhookId`, one is `accepted`.
   * Known with the same content: `duplicate`, counted. Known with other content: `conflict`, the body is
   * quarantined and the first stays as it is.
   */
  accept(request: AcceptRequest): Promise<AcceptResult>

  /** Sets a verified body aside. The same body under the same message id is kept once and keeps its id. */
  quarantine(request: QuarantineRequest): Promise<{ quarantineId: string }>

  /**
   * Leases deliveries that are due, oldest due first, at most `limit` for each hook. A delivery whose lease
   * has run out is due again. Each claim raises the delivery's `attempt`, which is therefore never handed
   * out twice and serves as the lease's token.
   */
  claim(wants: readonly ClaimWant[]): Promise<ClaimResult>

  /**
   * Records attempts, and moves each delivery on if its lease is still the settler's. Answers in the order of
   * the request. `false`: the lease ran out and the delivery was claimed again or put back; its state is
   * someone else's to decide and was left alone.
   */
  settle(settlements: readonly Settlement[]): Promise<boolean[]>

  /** Resolves if a change can be put on disk now. */
  check(): Promise<void>

  /** Finishes what was asked before, then lets go of the store. What is asked later is refused. */
  close(): Promise<void>
}

export interface AcceptRequest {
  /** The key for deduplication, and the `webhook-id` of every delivery: the event's id, or a sample's message id. */
  webhookId: string
  /** The sender's id of the message that brought it. */
  messageId: string
  event: JudgedEvent
  deliveries: readonly NewDelivery[]
}

export interface NewDelivery {
  hook: string
}

export type AcceptResult =
  | { outcome: 'accepted' }
  | { outcome: 'duplicate' }
  | { outcome: 'conflict'; quarantineId: string; problems: BodyProblem[] }

export interface QuarantineRequest {
  messageId: string
  bytes: Uint8Array
  problems: readonly BodyProblem[]
}

export interface ClaimWant {
  hook: string
  limit: number
  leaseMs: number
}

export interface ClaimResult {
  deliveries: ClaimedDelivery[]
  /** Until something is due or a lease runs out, at those hooks that were given less than `limit`; `null` if nothing will. */
  nextDueInMs: number | null
}

export interface ClaimedDelivery {
  eventSeq: number
  hook: string
  webhookId: string
  eventType: string
  /** The body as it was sent. */
  body: string
  /** 1 for the first time that the delivery is claimed. */
  attempt: number
  /** Failed attempts so far. */
  failures: number
  /** Since acceptance. */
  ageMs: number
}

export interface Settlement {
  eventSeq: number
  hook: string
  attempt: number
  record: AttemptRecord
  next: NextState
}

/** What one attempt was like. */
export interface AttemptRecord {
  durationMs: number
  /** The HTTP status, or `null` where no answer came. */
  status: number | null
  /** A stable code of what went wrong, or `null`. */
  errorCode: string | null
  /** The beginning of the answer's body, at most 1 KiB. */
  answer: Uint8Array | null
}

export type NextState =
  | { state: 'delivered' }
  | { state: 'pending'; delayMs: number; failures: number }
  | { state: 'dead'; failures: number }

/** `store_failing`: the disk or the database said no. `store_overloaded`: too much is waiting. `store_closed`: stopping. */
export type StoreErrorCode = 'store_failing' | 'store_overloaded' | 'store_closed'

/** The store cannot do what was asked now. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StoreError'
    this.code = code
  }
}
