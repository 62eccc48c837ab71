import type { Listings } from './listings.ts'
import type { RecordQuestions } from './records.ts'
import type { ReconciliationQuestions } from './reconciliations.ts'
import { StoreError } from './store.ts'
import type { CountReplayRequest, CountReplayResult, ReplayJob } from './replay-jobs.ts'
import type { AttemptRecord } from './store.ts'

/**
 * What people ask: counts, what became of an event, how far a replay has come. Custody is the `Store`'s business; a question never waits
 * among acceptances, claims and settlements, nor do they wait for a question. Every store has one;
 * `test/store/reader-contract.ts` checks the rules below on each.
 *
 * - A question sees every change that the store had answered for before the question was asked.
 * - Nothing is opened before the first question: a relay that nobody asks pays nothing.
 * - A question is answered within `QUESTION_TIMEOUT_MS`, or rejects with a `StoreError`. Beyond `MAX_QUESTIONS` that are
 *   under way or waiting, further ones are refused at once (`store_overloaded`).
 * - Ages are told in milliseconds, by the store's clock.
 */
export interface Reader extends Listings, RecordQuestions, ReconciliationQuestions {
  /** Counts for each hook that has undelivered or dead deliveries. What it costs does not grow with what was delivered. */
  stats(): Promise<HookStats[]>

  /** How much is in quarantine. */
  quarantineStats(): Promise<QuarantineStats>

  /** What became of an event: its deliveries by hook name, each with its attempts. Empty where it is not stored. */
  deliveriesOf(webhookId: string): Promise<DeliveryHistory[]>

  /**
   * One step of counting what a replay would put back. It only reads, and looks at no more than `limit` rows. A count is a
   * step without `after` and further ones, each `after` the `next` of the one before, until that is `null`.
   */
  countReplay(request: CountReplayRequest): Promise<CountReplayResult>

  /** A replay, running or ended; `null`: there is none of this id. */
  findReplay(id: string): Promise<ReplayJob | null>

  /** The newest replays first, at most so many. */
  listReplays(limit: number): Promise<ReplayJob[]>

  /** Lets go of what was opened. What is asked later is refused. May be called twice. */
  close(): Promise<void>
}

/** The longest that one question may take, waiting included. Below the 10 s after which Prometheus gives a scrape up. */
export const QUESTION_TIMEOUT_MS = 8000
/** People ask a few questions at a time; more than this is a loop that has gone wrong. */
export const MAX_QUESTIONS = 100

export interface HookStats {
  hook: string
  /** Pending and leased. */
  pending: number
  /** Dead letters that nobody has given up. */
  dead: number
  /** Since the acceptance, or the last replay, of the oldest that is pending or leased; `null` where none is. */
  oldestPendingAgeMs: number | null
}

export interface QuarantineStats {
  /** Bodies that nobody has decided about yet. */
  open: number
  /** Since the one that came first was received; `null` where there is none. */
  oldestAgeMs: number | null
}

export interface DeliveryHistory {
  eventSeq: number
  hook: string
  state: 'pending' | 'leased' | 'delivered' | 'dead'
  /** How many attempts were sent, as far as their outcomes could be recorded. */
  attempts: number
  /** Failed attempts since acceptance or the last replay. */
  failures: number
  /** When the first of them began, in milliseconds since 1970; `null` without any. */
  failingSince: number | null
  replays: number
  /**
   * `discarded`: a person gave it up. `too_old`: when it was found in Seam's API, its
   * event was older than the hook is tried for. Otherwise `null`.
   */
  endedCode: 'discarded' | 'too_old' | null
  /** In their order. An attempt whose outcome could not be recorded, as after a crash, is missing. */
  records: PastAttempt[]
}

export interface PastAttempt extends AttemptRecord {
  /** From 1 on, in the order in which the attempts were recorded. */
  attempt: number
  /** Milliseconds since 1970. */
  startedAt: number
}

export function tooManyQuestions(): StoreError {
  return new StoreError('store_overloaded', `${MAX_QUESTIONS} questions to the store are waiting already`)
}

export function questionTimedOut(): StoreError {
  const seconds = QUESTION_TIMEOUT_MS / 1000
  return new StoreError('store_overloaded', `the store has not answered a question within ${seconds} s`)
}

export function readerClosed(): StoreError {
  return new StoreError('store_closed', 'the store is closed')
}
