import type { Clock } from '../../time/clock.ts'
import { deliveriesScan, eventsScan, quarantineScan } from '../bounded-page.ts'
import type {
  DeliverySummary,
  EventSummary,
  FailureGroup,
  ListDeliveries,
  ListEvents,
  Page,
  PageRequest,
  QuarantineSummary,
  Quarantined,
  SearchHit,
  StoredEvent,
  UndeliveredOfHook,
} from '../listings.ts'
import {
  MAX_QUESTIONS,
  QUESTION_TIMEOUT_MS,
  questionTimedOut,
  readerClosed,
  tooManyQuestions,
} from '../reader.ts'
import type { DeliveryHistory, HookStats, QuarantineStats, Reader } from '../reader.ts'
import type {
  ActionsPage,
  ActivityPage,
  CountRow,
  CountsRequest,
  HookPause,
  ListActions,
} from '../records.ts'
import type { ReconciliationState } from '../reconciliations.ts'
import type { CountReplayRequest, CountReplayResult, ReplayJob } from '../replay-jobs.ts'
import { Backoff } from './backoff.ts'
import { BY_INDEX, Connections } from './connections.ts'
import { listActions } from './statements/actions.ts'
import { activityAfter } from './statements/activity-after.ts'
import { counts } from './statements/counts.ts'
import { deliveriesOf } from './statements/deliveries-of.ts'
import { failures } from './statements/failures.ts'
import { findEvent } from './statements/find-event.ts'
import { listDeliveries } from './statements/list-deliveries.ts'
import { listEvents } from './statements/list-events.ts'
import { findQuarantined, listQuarantine } from './statements/list-quarantine.ts'
import { pausedHooks } from './statements/hook-pauses.ts'
import { quarantineStats } from './statements/quarantine-stats.ts'
import { reconciliationState } from './statements/reconciliation-state.ts'
import { countReplay } from './statements/replay-walk.ts'
import { findReplay, listReplays } from './statements/replays.ts'
import { search } from './statements/search.ts'
import { stats } from './statements/stats.ts'
import { storyOf } from './statements/story-of.ts'
import { undeliveredOf } from './statements/undelivered-of.ts'

export interface PostgresReaderOptions {
  /** The database of a store that is open: its schema is the program's. */
  url: string
  clock: Clock
}

/** The reader of the shared store: two connections of its own, made when they are needed and dropped when idle. */
export class PostgresReader implements Reader {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | null = null

  constructor({ url, clock }: PostgresReaderOptions) {
    this.#clock = clock
    this.#connections = new Connections({
      url,
      max: 2,
      timeoutMs: QUESTION_TIMEOUT_MS,
      settings: BY_INDEX,
      backoff: new Backoff(clock),
    })
  }

  stats(): Promise<HookStats[]> {
    return this.#ask(() => stats(this.#connections))
  }

  quarantineStats(): Promise<QuarantineStats> {
    return this.#ask(() => quarantineStats(this.#connections))
  }

  deliveriesOf(webhookId: string): Promise<DeliveryHistory[]> {
    return this.#ask(() => deliveriesOf(this.#connections, webhookId))
  }

  countReplay(request: CountReplayRequest): Promise<CountReplayResult> {
    return this.#ask(() => countReplay(this.#connections, request))
  }

  reconciliationState(request: { findingsSince: number }): Promise<ReconciliationState> {
    return this.#ask(() => reconciliationState(this.#connections, request))
  }

  findReplay(id: string): Promise<ReplayJob | null> {
    return this.#ask(() => findReplay(this.#connections, id))
  }

  listReplays(limit: number): Promise<ReplayJob[]> {
    return this.#ask(() => listReplays(this.#connections, limit))
  }

  async listEvents(request: ListEvents): Promise<Page<EventSummary>> {
    const scan = eventsScan(request)
    return this.#ask(() => listEvents(this.#connections, scan))
  }

  findEvent(id: string): Promise<StoredEvent | null> {
    return this.#ask(() => findEvent(this.#connections, id))
  }

  storyOf(credentialId: string, limit: number): Promise<StoredEvent[]> {
    return this.#ask(() => storyOf(this.#connections, credentialId, limit))
  }

  search(id: string): Promise<SearchHit[]> {
    return this.#ask(() => search(this.#connections, id))
  }

  async listDeliveries(request: ListDeliveries): Promise<Page<DeliverySummary>> {
    const scan = deliveriesScan(request)
    return this.#ask(() => listDeliveries(this.#connections, scan))
  }

  failures(): Promise<FailureGroup[]> {
    return this.#ask(() => failures(this.#connections))
  }

  undeliveredOf(eventTypes: readonly string[], olderThanMs: number): Promise<UndeliveredOfHook[]> {
    return this.#ask(() => undeliveredOf(this.#connections, eventTypes, olderThanMs))
  }

  async listQuarantine(request: PageRequest): Promise<Page<QuarantineSummary>> {
    const scan = quarantineScan(request)
    return this.#ask(() => listQuarantine(this.#connections, scan))
  }

  findQuarantined(id: string): Promise<Quarantined | null> {
    return this.#ask(() => findQuarantined(this.#connections, id))
  }

  counts(request: CountsRequest): Promise<CountRow[]> {
    return this.#ask(() => counts(this.#connections, request))
  }

  activityAfter(number: number, limit: number): Promise<ActivityPage> {
    return this.#ask(() => activityAfter(this.#connections, number, limit))
  }

  listActions(request: ListActions): Promise<ActionsPage> {
    return this.#ask(() => listActions(this.#connections, request))
  }

  pauses(): Promise<HookPause[]> {
    return this.#ask(() => pausedHooks(this.#connections))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    await this.#connections.close()
  }

  /** One that timed out counts as under way until the database has given it up too. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw readerClosed()
    if (this.#underWay.size >= MAX_QUESTIONS) throw tooManyQuestions()
    const asked = question()
    this.#underWay.add(asked)
    void asked.catch(() => {}).finally(() => this.#underWay.delete(asked))
    return inTime(asked, this.#clock)
  }
}

/** The time in which a question waits for a connection counts, which the database's own time-out does not see. */
function inTime<T>(asked: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = clock.after(QUESTION_TIMEOUT_MS, () => reject(questionTimedOut()))
    asked.then(resolve, reject).finally(() => deadline.close())
  })
}
