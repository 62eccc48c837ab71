import type { BodyProblem, JudgedEvent } from '../events/judge.ts'
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
export interface Store extends Records, Reconciliations {
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
   * Begins a replay, which `stepReplay` then does. A delivery that is put back is pending and due now, without failures,
   * its age beginning anew; or it is made, where the scope is what a hook is missing. Counted in each delivery's
   * history, which otherwise stays. Events that are accepted later are not part of it. Asking again with the same id
   * begins nothing further.
   */
  createReplay(request: NewReplay): Promise<ReplayJob>

  /**
   * The replay whose turn it is: they go one after the other. Those of events that a person has named go first, because they are few
   * and somebody waits for them; otherwise the one that began first.
   */
  runningReplay(): Promise<ReplayJob | null>

  /**
   * One small step of a replay, if it is running and its next step is due. Where several processes ask, one takes the step.
   * A step goes on from where the one before came to, which is written down together with what it put back: so no
   * delivery is put back twice by one replay, whatever becomes of it meanwhile. In each hook it goes in the order of
   * acceptance. Leased deliveries are left alone.
   *
   * At an ordered hook, a later event of the same credential may be under way. Then the delivery is put back, but is due
   * only when that lease runs out, and until then no other of its credential is claimed; the step ends there. The steps after it
   * put back nothing until the later one has been settled, and then make it due. So a replay waits for one attempt, however
   * many more are in line behind it.
   */
  stepReplay(request: StepReplayRequest): Promise<ReplayStep>

  /** Ends a replay that is running. What it has put back stays so. `null`: there is none of this id. */
  endReplay(request: EndReplayRequest): Promise<ReplayJob | null>

  /**
   * One small step of giving up what a hook that is no longer configured has pending: each such delivery becomes dead, and
   * `prune` may delete its event as if it had been delivered. A delivery whose lease has not run out is left alone. Nothing
   * is left to give up once a step gives up fewer than `limit`.
   */
  discard(request: DiscardRequest): Promise<{ discarded: number }>

  /**
   * One small step of giving up dead letters of a hook, on a person's word: they stay dead and can still be replayed, but they wait for
   * nobody any more, and `prune` may delete their events. A pass is a step without `after` and further ones, each `after` the
   * `next` of the one before, until that is `null`.
   */
  dismiss(request: DismissRequest): Promise<DismissResult>

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

/** Which acceptances: from `since` up to but without `until`, and only these ids where they are given. */
export interface AcceptedSpan {
  since?: number
  until?: number
  webhookIds?: readonly string[]
}

/** What a replay puts back: deliveries that there are, or those that a hook is missing. */
export type ReplayScope = ReplayFilter | ReplayMissing

/** What is left out does not narrow. */
export interface ReplayFilter extends AcceptedSpan {
  hook?: string
  /** By default the dead; where `webhookIds` are given, the dead and the delivered. */
  states?: readonly ReplayedState[]
  /** The code of the delivery's last failure. */
  code?: string
}

export type ReplayedState = 'dead' | 'delivered' | 'pending'

/** The events that a hook wants and has no delivery of: those from before it was there. */
export interface ReplayMissing extends AcceptedSpan {
  hook: string
  missing: {
    /** The hook's event patterns. */
    events: readonly string[]
    /** The hook's workspaces, systems and connected accounts, in lower case; `null` or nothing for all. */
    workspaces: readonly string[] | null
    systems?: readonly string[] | null
    accounts?: readonly string[] | null
  }
}

export interface CountReplayRequest {
  scope: ReplayScope
  /** How many rows the step looks at. */
  limit: number
  after?: ReplayWalk
}

export interface CountReplayResult {
  count: number
  next: ReplayWalk | null
}

/** Up to where a walk along the deliveries, or along the events, has come; the store's own business. */
export interface ReplayWalk {
  seq: number
  hook: string
  /** The last event of the walk. */
  uptoSeq: number
  /** The events that were named, in order; `null` where none were. */
  seqs: readonly number[] | null
}

export interface NewReplay {
  /** A UUID of the caller's. */
  id: string
  scope: ReplayScope
  /** At most so many deliveries are put back in a second; `null`: as fast as the steps go. */
  perSecond: number | null
  /** What was counted before. */
  wouldReplay: number
}

export interface ReplayJob extends NewReplay {
  state: 'running' | EndOfReplay
  replayed: number
  /** Milliseconds since 1970. */
  createdAt: number
  /** Milliseconds since 1970; `null` while it runs. */
  endedAt: number | null
  /** Why it failed; `null` where it did not. */
  error: string | null
}

export type EndOfReplay = 'finished' | 'cancelled' | 'failed'

export interface StepReplayRequest {
  id: string
  /** How many deliveries the step puts back at most. It looks at up to ten times as many. */
  limit: number
  /** No step of this replay follows sooner than this. */
  pauseMs: number
  /** The hooks that take the events of a credential in order. */
  orderedHooks: readonly string[]
}

export interface ReplayStep {
  replayed: number
  /** `true`: something became due with it, or will be when a lease runs out, so who delivers has to look. */
  changesDue: boolean
  /** `true` for the first step of a replay, and only for the process that took it. */
  isFirst: boolean
  /** Until its next step may be taken; `null`: it has ended. */
  nextStepInMs: number | null
  /** `true` where this step ended it, and only for the process that took it. */
  isLast: boolean
}

export interface EndReplayRequest {
  id: string
  state: 'cancelled' | 'failed'
  error?: string
}

export interface DiscardRequest {
  hook: string
  /** How many deliveries the step gives up at most. */
  limit: number
}

export interface DismissRequest {
  hook: string
  /** Only those whose last failure had this code. */
  code?: string
  /** How many dead letters the step looks at. */
  limit: number
  after?: number
}

export interface DismissResult {
  dismissed: number
  next: number | null
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
