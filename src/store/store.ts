import type { BodyProblem, JudgedEvent } from '../events/judge.ts'
import type { ReplayJobs } from './replay-jobs.ts'
import type { Records } from './records.ts'
import type { Reconciliations } from './reconciliations.ts'

/**
 * Custody: every event that was answered with a 2xx, and what became of it. Every store keeps the rules below;
 * `test/store/store-contract.ts` checks each of them on every store.
 *
 * - What a store keeps for people besides events is `Records` (`records.ts`).
 * - When a call resolves, the change is on disk. When it rejects (`StoreError`), the change is not, or the store cannot
 *   tell; asking again is always safe.
 * - Every method is one atomic step. None needs another to have been called before it.
 * - It answers no questions of people: those go to the `Reader` (`reader.ts`), so that none waits in this queue.
 * - The store's clock is the only one: leases, due times and ages are told to it and by it as spans in
 *   milliseconds, so that replicas with different clocks agree.
 * - What `claim` and `settle` cost does not grow with how much was delivered before, nor with how much waits, in order
 *   or not. Some 20 ms is much for either.
 * - The order of acceptance is the order of `eventSeq`. Only where a person asks for a span of acceptance is a
 *   time a point, in milliseconds since 1970 on the store's clock.
 */
export interface Store extends ReplayJobs, Records, Reconciliations {
  /**
   * Takes an event into custody together with one delivery for each hook, or finds that its `dedupKey` is known. A
   * delivery is pending and due, or leased as if it had been claimed at once, with lease token 1 and attempt 1; or dead from the
   * beginning, where the event is too old to be sent by itself. Of any number of concurrent calls with one `dedupKey`, one is `accepted`.
   * Known with the same content: `duplicate`, counted. Known with other content: `conflict`, the body is
   * quarantined and the first stays as it is.
   */
  accept(request: AcceptRequest): Promise<AcceptResult>

  /** Sets a verified body aside. The same body under the same message id is kept once and keeps its id. */
  quarantine(request: QuarantineRequest): Promise<{ quarantineId: string }>

  /**
   * Leases deliveries that are due, oldest due first, at most `limit` for each hook, and no further one once the
   * bodies that the hook was given reach `maxBytes`: at most one body more than that is read. A delivery whose lease
   * has run out is due again. Each lease raises the delivery's `leaseToken`, so no two leases of it share a token.
   *
   * Where a want is `ordered`, a delivery waits until no delivery of an earlier event of the same credential to
   * the same hook is pending or leased; so at most one for each credential is given at a time, and one whose
   * attempts fail blocks the later ones until it is delivered or dead. Other credentials and events that name no
   * credential wait for nobody. The store decides this from its rows, so it is so across restarts, and `ordered`
   * may be another at each call. What is replayed meanwhile keeps to it too: see `stepReplay`.
   */
  claim(wants: readonly ClaimWant[]): Promise<ClaimResult>

  /**
   * Ends leases: moves each delivery on if the lease is still the latest one, and records the attempt if one was
   * made. Answers in the order of the request. Asking again with the same lease writes nothing a second time, so a
   * call whose answer was lost can be repeated. An attempt failed if `next` has more failures than the delivery had.
   */
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]>

  /**
   * One small step of deleting, oldest first: events past their age with their deliveries and attempts, never
   * one with a delivery that is neither delivered nor discarded nor was too old to be sent; and of the ids, which make a resend a duplicate, those past
   * theirs whose event is gone. Quarantined bodies stay, for a person to judge. A pass is a step without `after`
   * and further ones, each `after` the `next` of the one before, until that is `null`.
   */
  prune(request: PruneRequest): Promise<PruneResult>

  /**
   * Says that this process is alive, to be repeated every few seconds, and tells how many others are. A process that
   * has given no sign for 15 s is gone: its leases are put back, due now and under a higher token, so that it cannot
   * settle them. One call does one small step of that. It costs nothing more while nobody is gone. A store that only
   * one process can have answers at once that it is alone.
   */
  announce(): Promise<Announcement>

  /** The process gives no further sign, and has nothing leased that it could still end. */
  leave(): Promise<void>

  /** Resolves if a change can be put on disk now. SQLite: one as large as the largest event needs. */
  check(): Promise<void>

  /** Finishes what was asked before, then lets go of the store. What is asked later is refused. May be called twice. */
  close(): Promise<void>
}

export interface AcceptRequest {
  /** What makes an event that comes again a duplicate. Made by `dedupKey`. */
  dedupKey: string
  /** The `webhook-id` of every delivery: the event's id, or a sample's message id. */
  webhookId: string
  /** The sender's id of the message that brought it; where no message did, an id of the relay's own. */
  messageId: string
  source: EventSource
  event: JudgedEvent
  deliveries: readonly NewDelivery[]
}

/** How an event came: Seam sent it, or it was found in Seam's API because it had not come. */
export type EventSource = 'webhook' | 'reconciliation'

export interface NewDelivery {
  hook: string
  /** Leases the delivery to the caller for so long, who makes the first attempt. Without it, the delivery is pending. */
  leaseMs?: number
  /** The event is older than the hook is tried for: the delivery is dead, with the code `too_old`, until a person replays it. */
  isTooOld?: boolean
}

export type AcceptResult =
  | { outcome: 'accepted'; eventSeq: number }
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
  /** No further delivery once the bodies given to the hook by this claim have reached so many bytes. */
  maxBytes: number
  leaseMs: number
  /** One at a time for each credential, in the order of acceptance. */
  ordered?: boolean
}

export interface ClaimResult {
  deliveries: ClaimedDelivery[]
  /**
   * Until something is due or a lease runs out, at those hooks that were given less than `limit`; `null` if nothing
   * will. 0 where more is due than `maxBytes` let through.
   */
  nextDueInMs: number | null
  /** Hooks that the store could not look at this time, although it could at others: something may be due for them. */
  failedHooks?: string[]
}

export interface ClaimedDelivery {
  eventSeq: number
  hook: string
  webhookId: string
  eventType: string
  /** The body as it was sent. */
  body: string
  /** Names this lease among all leases of the delivery; each one has a higher token than the one before. */
  leaseToken: number
  /** The number of the next attempt to be sent: one more than the attempts recorded so far. */
  attempt: number
  /** Failed attempts so far. */
  failures: number
  /** Since acceptance, or since the last replay. */
  ageMs: number
  /** Since the first failed attempt began; `null` if none has failed since acceptance or the last replay. */
  failingForMs: number | null
}

export interface Settlement {
  eventSeq: number
  hook: string
  leaseToken: number
  /** `null` where nothing was sent: then nothing is written to the history and no attempt is counted. */
  record: AttemptRecord | null
  next: NextState
}

/**
 * - `settled`: the lease was ended with this.
 * - `already_settled`: this very lease had been settled before, as when the answer to a commit was lost and the
 *   same is asked again. Nothing was written.
 * - `lease_lost`: the delivery has been leased again or released since, or is gone. Its state was left alone; the
 *   attempt was still recorded, once.
 */
export type SettleResult = 'settled' | 'already_settled' | 'lease_lost'

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

export type Announcement =
  | { kind: 'alone' }
  | {
      kind: 'shared'
      /** Other live processes. */
      others: number
      /** Leases of gone ones that this step has put back. */
      freed: number
      /** Of gone ones there may be further leases: ask again at once. */
      hasMore: boolean
    }

export interface PruneRequest {
  /** Events older than this may go. */
  payloadAgeMs: number
  /** Ids older than this may go. */
  dedupAgeMs: number
  /** How many events, and how many ids, the step looks at. */
  limit: number
  after?: PruneCursor
}

/** Up to where a pass has come; the store's own business. `null`: through. */
export interface PruneCursor {
  events: number | null
  ids: number | null
}

export interface PruneResult {
  /** Events deleted. A step that met only what must be kept deletes none, and the pass goes on. */
  pruned: number
  /** Ids deleted. */
  forgotten: number
  next: PruneCursor | null
}

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
