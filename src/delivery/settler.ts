import type { Logger } from '../observability/logger.ts'
import type { SettleResult, Settlement, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface SettlerOptions {
  store: Pick<Store, 'settle'>
  clock: Clock
  log: Logger
}

/** Something that waits to be written. */
export interface Unsettled {
  /** Asked anew at each try: the lease may have been renewed in the meantime. */
  settlement(): Settlement
  /** Called once the store has said yes or no. `true`: it is to be written once more. */
  answered(result: SettleResult, settlement: Settlement): boolean
}

/** One call carries at most this many. */
const MAX_BATCH = 512
const RETRY_MS = 1000
/** Far off: without anything to write, only a wake ends the sleep. */
const NOTHING_TO_WRITE_MS = 2_000_000_000

/**
 * Writes outcomes into the store, and never gives one up while the relay runs: a store that fails is asked again
 * until it has said yes or no. While one batch is being written the next one gathers.
 *
 * A failure to write is kept apart from a failure to deliver: an attempt that succeeded has not failed because it
 * could not be written down.
 */
export class Settler {
  readonly #options: SettlerOptions
  readonly #loop: Loop
  #unsettled: Unsettled[] = []
  #maxBatch = MAX_BATCH
  #retryAt = 0

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start()
  }

  add(unsettled: Unsettled): void {
    this.#unsettled.push(unsettled)
    this.#loop.wake()
  }

  /** Writes what is left. What the store then still refuses is dropped: its lease runs out and it is sent again. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    let goesOn = true
    while (goesOn && this.#unsettled.length > 0) goesOn = await this.#writeBatch()
    const outcomes = this.#unsettled.length
    if (outcomes > 0) {
      this.#options.log.error(
        { outcomes },
        'stopped with outcomes that the store did not take: these deliveries will be sent again',
      )
    }
  }

  /** @returns after how many milliseconds to look again */
  async #step(): Promise<number> {
    const waitMs = this.#retryAt - this.#options.clock.steadyMs()
    if (waitMs > 0) return waitMs
    if (this.#unsettled.length > 0 && !(await this.#writeBatch())) return RETRY_MS
    return this.#unsettled.length > 0 ? 0 : NOTHING_TO_WRITE_MS
  }

  /** @returns whether the store answered */
  async #writeBatch(): Promise<boolean> {
    const { store, clock, log } = this.#options
    const batch = this.#unsettled.splice(0, this.#maxBatch)
    const settlements = batch.map((one) => one.settlement())
    let results: SettleResult[]
    try {
      results = await store.settle(settlements)
    } catch (error) {
      log.error({ err: error, outcomes: batch.length }, 'outcomes could not be written, to be tried again')
      // Smaller, and behind the others: if the store refuses one of them, the others get through.
      this.#maxBatch = Math.max(1, Math.floor(batch.length / 2))
      this.#unsettled.push(...batch)
      this.#retryAt = clock.steadyMs() + RETRY_MS
      return false
    }
    this.#maxBatch = MAX_BATCH
    for (const [index, one] of batch.entries()) {
      if (one.answered(results[index] as SettleResult, settlements[index] as Settlement)) this.add(one)
    }
    return true
  }
}
