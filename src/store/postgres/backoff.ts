import type { Clock } from '../../time/clock.ts'
import type { StoreError } from '../store.ts'

/** The first wait after a failed connect; each further one is twice as long. */
const FIRST_MS = 100
const LONGEST_MS = 2000

/** How long to wait before the next attempt to connect. Shared by all connections to one database. */
export class Backoff {
  readonly #clock: Clock
  #failures = 0
  #restUntil = 0
  #reason = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Until the next attempt may be made, in milliseconds; 0 if it may be made now. */
  restMs(): number {
    return Math.max(0, this.#restUntil - this.#clock.steadyMs())
  }

  /** Why the latest attempt failed. */
  get reason(): string {
    return this.#reason
  }

  succeeded(): void {
    this.#failures = 0
    this.#restUntil = 0
  }

  /** @returns the error, for it to be thrown */
  failed(error: StoreError): StoreError {
    this.#reason = error.message
    // Several connections that fail at the same time count as one failure.
    if (this.restMs() > 0) return error
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures)
    this.#failures++
    // Shortened at random, so that many replicas do not come back at the same moment.
    this.#restUntil = this.#clock.steadyMs() + longest * (0.5 + Math.random() / 2)
    return error
  }
}
