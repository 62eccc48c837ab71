import type { PruneCursor, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface RetentionOptions {
  store: Pick<Store, 'prune'>
  clock: Clock
  log: Record<'info' | 'warn' | 'error', (about: object, message: string) => void>
  /** How far the store's time is ahead, in milliseconds; `null` while that is not known, and then nothing is deleted. */
  timeAheadMs: () => number | null
  payloadAgeMs: number
  dedupAgeMs: number
}

/** The start of a relay is busy enough without it. */
const FIRST_PASS_MS = 60_000
const PASS_EVERY_MS = 3_600_000
/** Until then it may have become known how far the store's time is ahead. */
const LOOK_AGAIN_MS = 60_000
const WORTH_A_WARNING_MS = 3_600_000
/** Between two steps, so that a pass takes only a small share of the store's time. */
const STEP_PAUSE_MS = 50
const STEP_ROWS = 100

/** Deletes events and ids that are older than their configured ages, every hour, in small steps. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #loop: Loop
  #waits = false

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start(FIRST_PASS_MS)
  }

  /** Lets the step that is running end. May be called twice. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** @returns after how many milliseconds to look again */
  async #step(): Promise<number> {
    const { log, timeAheadMs } = this.#options
    const aheadMs = timeAheadMs()
    if (aheadMs === null) {
      if (!this.#waits) log.info({}, 'retention waits for a webhook, which tells whether the time is right')
      this.#waits = true
      return LOOK_AGAIN_MS
    }
    if (aheadMs > WORTH_A_WARNING_MS)
      log.warn(
        { ahead_ms: aheadMs },
        "the store's time is ahead of the sender's: retention deletes later by that",
      )
    await this.#pass(aheadMs)
    return PASS_EVERY_MS
  }

  /** @param aheadMs by so much everything looks older than it is */
  async #pass(aheadMs: number): Promise<void> {
    const { store, log } = this.#options
    const payloadAgeMs = this.#options.payloadAgeMs + aheadMs
    const dedupAgeMs = this.#options.dedupAgeMs + aheadMs
    let events = 0
    let ids = 0
    let next: PruneCursor | null = null
    try {
      do {
        const after: { after?: PruneCursor } = next === null ? {} : { after: next }
        const step = await store.prune({ payloadAgeMs, dedupAgeMs, limit: STEP_ROWS, ...after })
        events += step.pruned
        ids += step.forgotten
        next = step.next
        if (next !== null) await this.#loop.pause(STEP_PAUSE_MS)
      } while (next !== null && !this.#loop.signal.aborted)
    } catch (error) {
      log.error({ err: error, events, ids }, 'retention pass failed, the next one is in an hour')
      return
    }
    if (events + ids > 0) log.info({ events, ids }, 'retention pass finished')
  }
}
