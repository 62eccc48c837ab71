import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../time/clock.ts'
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
import { StoreError } from '../store.ts'
import type { CountReplayRequest, CountReplayResult, ReplayJob } from '../replay-jobs.ts'
import type {
  AnswerMessage,
  AnswerOf,
  QuestionMessage,
  QuestionName,
  QuestionRequestOf,
} from './questions.ts'

export interface SqliteReaderOptions {
  /** The file of a store that is open: its schema is the program's. */
  path: string
  clock: Clock
  /** The store's time, in milliseconds since 1970. */
  now: () => number
}

interface Question {
  name: QuestionName
  request: unknown
  resolve: (answer: never) => void
  reject: (error: StoreError) => void
  deadline: Timer
}

/**
 * The reader of the embedded store: a read-only connection in a thread of its own, begun at the first question. It takes
 * one question at a time. The others wait here, where one that has waited too long is taken out again and costs the
 * thread nothing.
 *
 *   no thread ──first question──▶ thread ──dies──▶ no thread, and the next question begins another
 */
export class SqliteReader implements Reader {
  readonly #path: string
  readonly #clock: Clock
  readonly #now: () => number
  readonly #waiting: Question[] = []
  /** What the thread works on. A question that timed out stays here until the thread has answered. */
  #asked: Question | null = null
  #thread: { worker: Worker; exited: Promise<void> } | null = null
  #closed: Promise<void> | null = null

  constructor({ path, clock, now }: SqliteReaderOptions) {
    this.#path = path
    this.#clock = clock
    this.#now = now
  }

  stats(): Promise<HookStats[]> {
    return this.#ask('stats', null)
  }

  quarantineStats(): Promise<QuarantineStats> {
    return this.#ask('quarantineStats', null)
  }

  deliveriesOf(webhookId: string): Promise<DeliveryHistory[]> {
    return this.#ask('deliveriesOf', webhookId)
  }

  countReplay(request: CountReplayRequest): Promise<CountReplayResult> {
    return this.#ask('countReplay', request)
  }

  reconciliationState(request: { findingsSince: number }): Promise<ReconciliationState> {
    return this.#ask('reconciliationState', request)
  }

  findReplay(id: string): Promise<ReplayJob | null> {
    return this.#ask('findReplay', id)
  }

  listReplays(limit: number): Promise<ReplayJob[]> {
    return this.#ask('listReplays', limit)
  }

  async listEvents(request: ListEvents): Promise<Page<EventSummary>> {
    return this.#ask('listEvents', eventsScan(request))
  }

  findEvent(id: string): Promise<StoredEvent | null> {
    return this.#ask('findEvent', id)
  }

  storyOf(credentialId: string, limit: number): Promise<StoredEvent[]> {
    return this.#ask('storyOf', { credentialId, limit })
  }

  search(id: string): Promise<SearchHit[]> {
    return this.#ask('search', id)
  }

  async listDeliveries(request: ListDeliveries): Promise<Page<DeliverySummary>> {
    return this.#ask('listDeliveries', deliveriesScan(request))
  }

  failures(): Promise<FailureGroup[]> {
    return this.#ask('failures', null)
  }

  undeliveredOf(eventTypes: readonly string[], olderThanMs: number): Promise<UndeliveredOfHook[]> {
    return this.#ask('undeliveredOf', { eventTypes, olderThanMs })
  }

  async listQuarantine(request: PageRequest): Promise<Page<QuarantineSummary>> {
    return this.#ask('listQuarantine', quarantineScan(request))
  }

  findQuarantined(id: string): Promise<Quarantined | null> {
    return this.#ask('findQuarantined', id)
  }

  counts(request: CountsRequest): Promise<CountRow[]> {
    return this.#ask('counts', request)
  }

  activityAfter(number: number, limit: number): Promise<ActivityPage> {
    return this.#ask('activityAfter', { number, limit })
  }

  listActions(request: ListActions): Promise<ActionsPage> {
    return this.#ask('listActions', request)
  }

  pauses(): Promise<HookPause[]> {
    return this.#ask('pauses', null)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const question of this.#waiting.splice(0)) this.#fail(question, readerClosed())
    if (this.#thread === null) return
    // After the question that it works on.
    this.#thread.worker.postMessage(null)
    await this.#thread.exited
  }

  #ask<N extends QuestionName>(name: N, request: QuestionRequestOf<N>): Promise<AnswerOf<N>> {
    if (this.#closed !== null) return Promise.reject(readerClosed())
    const underWay = this.#waiting.length + (this.#asked === null ? 0 : 1)
    if (underWay >= MAX_QUESTIONS) return Promise.reject(tooManyQuestions())
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.after(QUESTION_TIMEOUT_MS, () => this.#timeOut(question))
      const question: Question = { name, request, resolve, reject, deadline }
      this.#waiting.push(question)
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.#asked !== null || this.#closed !== null) return
    const question = this.#waiting.shift()
    if (question === undefined) return
    this.#asked = question
    this.#thread ??= this.#begin()
    const message: QuestionMessage = { name: question.name, request: question.request, now: this.#now() }
    this.#thread.worker.postMessage(message)
  }

  #begin(): { worker: Worker; exited: Promise<void> } {
    const worker = new Worker(new URL('./sqlite-reader-worker.ts', import.meta.url), {
      workerData: this.#path,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    let reason = 'its thread ended'
    worker.on('message', (message: AnswerMessage) => this.#finish(message))
    worker.once('error', (error: Error) => (reason = error.message))
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        this.#thread = null
        if (this.#asked !== null) this.#finish({ failure: reason })
        resolve()
      })
    })
    return { worker, exited }
  }

  #finish(message: AnswerMessage): void {
    const question = this.#asked
    this.#asked = null
    this.#sendNext()
    if (question === null) return
    if ('failure' in message) {
      this.#fail(question, new StoreError('store_failing', `the store could not be read: ${message.failure}`))
      return
    }
    question.deadline.close()
    question.resolve(message.answer as never)
  }

  #timeOut(question: Question): void {
    const index = this.#waiting.indexOf(question)
    if (index >= 0) this.#waiting.splice(index, 1)
    this.#fail(question, questionTimedOut())
  }

  #fail(question: Question, error: StoreError): void {
    question.deadline.close()
    question.reject(error)
  }
}
