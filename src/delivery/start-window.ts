/**
 * Lets no more than a number of attempts begin in any second, however the seconds are cut. A fraction of one, such
 * as 0.5, is one in two seconds.
 */
export class StartWindow {
  readonly #spanMs: number
  /** When the latest attempts began, as a ring: the slot to be written next holds the oldest. */
  readonly #startedAt: Float64Array
  #next = 0

  /** @param maxPerSecond more than 0 */
  constructor(maxPerSecond: number) {
    const size = Math.ceil(maxPerSecond)
    this.#spanMs = (size / maxPerSecond) * 1000
    this.#startedAt = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
  }

  /** How many may begin now. @param now milliseconds on a clock that does not jump */
  room(now: number): number {
    let free = 0
    while (free < this.#startedAt.length && this.#freeAt(free) <= now) free++
    return free
  }

  /** Until one more may begin, in milliseconds. */
  nextInMs(now: number): number {
    return Math.max(0, this.#freeAt(0) - now)
  }

  take(now: number): void {
    this.#startedAt[this.#next] = now
    this.#next = (this.#next + 1) % this.#startedAt.length
  }

  #freeAt(offset: number): number {
    return (this.#startedAt[(this.#next + offset) % this.#startedAt.length] as number) + this.#spanMs
  }
}
