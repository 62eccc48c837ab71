import type { Logger } from '../observability/logger.ts'
import type { Records } from '../store/records.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface PauseWatchOptions {
  store: Pick<Records, 'pausedHooks'>
  clock: Clock
  log: Pick<Logger, 'warn' | 'info'>
  /** Called when the store has answered, with the names of the paused hooks. `isFirst`: it was not known before. */
  onKnown: (paused: ReadonlySet<string>, isFirst: boolean) => void
}

/** A person pauses a hook at one replica; the others learn it within this time. */
const LOOK_EVERY_MS = 2000

/**
 * Knows which hooks people have paused. A pause is in the store, for every replica and across restarts, so nothing is sent before the
 * store was asked for the first time. While it cannot be asked, what was known last stays in force.
 */
export class PauseWatch {
  readonly #options: PauseWatchOptions
  readonly #loop: Loop
  #isKnown = false
  #isFailing = false

  constructor(options: PauseWatchOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, async () => {
      await this.look()
      return LOOK_EVERY_MS
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Whether the store was ever asked with success. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Asks the store now. Never rejects. */
  async look(): Promise<void> {
    const { store, log, onKnown } = this.#options
    try {
      const pauses = await store.pausedHooks()
      if (this.#isFailing) log.info('it is known again which hooks are paused')
      this.#isFailing = false
      const isFirst = !this.#isKnown
      this.#isKnown = true
      onKnown(new Set(pauses.map(({ hook }) => hook)), isFirst)
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'the store could not say which hooks are paused')
      this.#isFailing = true
    }
  }
}
