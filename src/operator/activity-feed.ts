import type { Logger } from '../observability/logger.ts'
import type { ActivityPage, RecordQuestions } from '../store/records.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export type ActivityRow = ActivityPage['rows'][number]

/** Somebody who wants to know what happens. */
export interface Listener {
  /** Up to which row it has been told. */
  readonly position: number
  /** Cannot take anything further now: it is told later, from its position on. */
  readonly isFull: boolean
  tell(row: ActivityRow): void
  /** What was between its position and this row is gone. */
  tellGap(position: number): void
  /** Called about once a second. */
  tick(): void
}

export interface ActivityFeedOptions {
  reader: Pick<RecordQuestions, 'activityAfter'>
  clock: Clock
  log: Logger
}

const POLL_MS = 1000
const AFTER_FAILURE_MS = 5000
const ROWS_AT_ONCE = 50
/** While nobody listens. A listener wakes the loop. */
const ASLEEP_MS = 3_600_000

/**
 * Asks the store about once a second what happened, once for all listeners, and only while there are any. A listener that is
 * behind, because it has come back or cannot take more, has a position of its own and is asked for apart until it has caught up.
 */
export class ActivityFeed {
  readonly #reader: ActivityFeedOptions['reader']
  readonly #log: Logger
  readonly #loop: Loop
  readonly #listeners = new Set<Listener>()
  #isFailing = false

  constructor({ reader, clock, log }: ActivityFeedOptions) {
    this.#reader = reader
    this.#log = log
    this.#loop = new Loop(clock, () => this.#step())
  }

  /** The number of the newest row: where somebody begins who wants nothing of before. */
  async newest(): Promise<number> {
    return (await this.#reader.activityAfter(-1, 1)).newest
  }

  get size(): number {
    return this.#listeners.size
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
    this.#loop.start()
    this.#loop.wake()
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  /** Never rejects. */
  async #step(): Promise<number> {
    for (const listener of this.#listeners) listener.tick()
    if (this.#listeners.size === 0) return ASLEEP_MS
    try {
      const hasMore = await this.#tellAll()
      this.#isFailing = false
      return hasMore ? 0 : POLL_MS
    } catch (error) {
      if (!this.#isFailing) this.#log.warn({ err: error }, 'what happens cannot be read, streams wait')
      this.#isFailing = true
      return AFTER_FAILURE_MS
    }
  }

  /** @returns whether somebody could be told more at once */
  async #tellAll(): Promise<boolean> {
    const ready = [...this.#listeners].filter(({ isFull }) => !isFull)
    let hasMore = false
    for (const [position, listeners] of Map.groupBy(ready, (one) => one.position)) {
      const page = await this.#reader.activityAfter(position, ROWS_AT_ONCE)
      for (const listener of listeners) tellPage(listener, page)
      hasMore ||= page.rows.length === ROWS_AT_ONCE
    }
    return hasMore
  }
}

function tellPage(listener: Listener, { rows, newest, hasGap }: ActivityPage): void {
  // A store that was put back to an earlier copy has never come to this position: it goes on from the newest.
  if (hasGap) listener.tellGap(rows[0] === undefined ? newest : rows[0].number - 1)
  for (const row of rows) listener.tell(row)
}
