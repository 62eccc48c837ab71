import type { Logger } from '../observability/logger.ts'
import type { Clock, Timer } from '../time/clock.ts'

/** Refusals with a line of their own, in each minute. */
const SINGLE_LINES = 10
const MINUTE_MS = 60_000

/** Logs refused webhooks: the first few of a minute one by one, the others in one line with counts by code. */
export class RefusalLog {
  readonly #log: Logger
  readonly #clock: Clock
  #lines = 0
  #further: Record<string, number> = {}
  #minute: Timer | null = null

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  refused(refusal: { code: string; address: string; cause?: string }): void {
    this.#minute ??= this.#beginMinute()
    if (this.#lines < SINGLE_LINES) {
      this.#lines++
      this.#log.warn(refusal, 'webhook refused')
    } else {
      this.#further[refusal.code] = (this.#further[refusal.code] ?? 0) + 1
    }
  }

  /** Writes down what is counted and not yet written. */
  close(): void {
    this.#minute?.close()
    this.#minute = null
    if (Object.keys(this.#further).length > 0)
      this.#log.warn({ refused: this.#further }, 'more webhooks refused')
    this.#further = {}
    this.#lines = 0
  }

  #beginMinute(): Timer {
    const timer = this.#clock.after(MINUTE_MS, () => this.close())
    timer.unref()
    return timer
  }
}
