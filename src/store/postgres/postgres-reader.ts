import type { Clock } from '../../time/clock.ts'
import {
  MAX_QUESTIONS,
  QUESTION_TIMEOUT_MS,
  questionTimedOut,
  readerClosed,
  tooManyQuestions,
} from '../reader.ts'
import type { DeliveryHistory, HookStats, QuarantineStats, Reader } from '../reader.ts'
import type { CountReplayRequest, CountReplayResult, ReplayJob } from '../store.ts'
import { Backoff } from './backoff.ts'
import { BY_INDEX, Connections } from './connections.ts'
import { deliveriesOf } from './statements/deliveries-of.ts'
import { quarantineStats } from './statements/quarantine-stats.ts'
import { countReplay } from './statements/replay-walk.ts'
import { findReplay, listReplays } from './statements/replays.ts'
import { stats } from './statements/stats.ts'

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

  findReplay(id: string): Promise<ReplayJob | null> {
    return this.#ask(() => findReplay(this.#connections, id))
  }

  listReplays(limit: number): Promise<ReplayJob[]> {
    return this.#ask(() => listReplays(this.#connections, limit))
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
