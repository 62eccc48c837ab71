import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Settlement, Store } from '../store/store.ts'

export interface SettlerOptions {
  store: Store
  log: Logger
  metrics: Metrics
  /** How long an outcome that cannot be written is held, in milliseconds; after that its lease is over. */
  holdMs: number
  /** Called with what has been written. */
  onWritten: (lot: readonly Settlement[]) => void
}

const RETRY_MS = 1000

/** Writes outcomes into the store. While one lot is being written, the next gathers and goes in one call. */
export class Settler {
  readonly #options: SettlerOptions
  #gathered: Settlement[] = []
  #writing: Promise<void> | null = null
  #stopping = false

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  add(settlement: Settlement): void {
    this.#gathered.push(settlement)
    this.#writing ??= this.#write()
  }

  /** Resolves when everything that was added is written, or has been tried once more and was not. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#gathered.length > 0) {
      const lot = this.#gathered
      this.#gathered = []
      await this.#writeLot(lot)
    }
    this.#writing = null
  }

  /** Writing it is a path of its own: an attempt that succeeded has not failed because it could not be written down. */
  async #writeLot(lot: Settlement[]): Promise<void> {
    const { store, log, metrics, holdMs, onWritten } = this.#options
    const giveUpAt = performance.now() + holdMs
    for (;;) {
      try {
        const results = await store.settle(lot)
        for (const [index, { hook, next }] of lot.entries()) {
          if (results[index] === 'lease_lost')
            log.warn({ hook }, 'a lease ran out before its outcome was written')
          else if (next.state !== 'pending') metrics.settled(hook, next.state)
        }
        onWritten(lot)
        return
      } catch (error) {
        log.error({ err: error, outcomes: lot.length }, 'outcomes could not be written')
        if (this.#stopping || performance.now() > giveUpAt) return
        await delay(RETRY_MS)
      }
    }
  }
}
