import type { Clock } from '../time/clock.ts'

/** A relay to which nobody sends anything waits for so long, and then goes by its own time. */
const WITHOUT_A_WEBHOOK_MS = 604_800_000

/**
 * How far the embedded store's time is ahead, by the sender's clock. The store begins with the wall clock of its start.
 * If that was ahead, everything in it looks older than it is, and what is deleted for its age does not come back. A
 * webhook whose signature was verified carries a second opinion: its timestamp, which the sender made and signed.
 */
export class SenderTime {
  readonly #clock: Clock
  readonly #storeTime: () => number
  readonly #startedAt: number
  #aheadMs: number | null = null

  /** @param storeTime milliseconds since 1970 */
  constructor(clock: Clock, storeTime: () => number) {
    this.#clock = clock
    this.#storeTime = storeTime
    this.#startedAt = clock.steadyMs()
  }

  /** A webhook was verified. @param sentAt its timestamp, in milliseconds since 1970 */
  told(sentAt: number): void {
    this.#aheadMs = Math.max(0, this.#storeTime() - sentAt)
  }

  /** In milliseconds; `null` while nothing is known. */
  aheadMs(): number | null {
    if (this.#aheadMs !== null) return this.#aheadMs
    return this.#clock.steadyMs() - this.#startedAt > WITHOUT_A_WEBHOOK_MS ? 0 : null
  }
}
