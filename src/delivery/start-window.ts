/**
 * Limits how many attempts begin in a second: a sliding limit, so it holds for every second, wherever that begins. A
 * fraction such as 0.5 means one attempt in two seconds.
 */
export class StartWindow {
  readonly #spanMs: number
  /** When the latest attempts began, as a ring: the slot to be written next holds the oldest. */
  readonly #startedAt: Float64Array
  #next = 0

  /**
   * @param maxPerSecond more than 0
   * @param before the limit that held until now; what began under it counts here too
   */
  constructor(maxPerSecond: number, before: StartWindow | null = null) {
    const size = Math.ceil(maxPerSecond)
    this.#spanMs = (size / maxPerSecond) * 1000
    this.#startedAt = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
    for (const startedAt of before?.latest(size) ?? []) this.take(startedAt)
  }

  /** How many may begin now. @param now steady milliseconds */
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

  /** When the latest attempts began, at most so many, the oldest first. */
  latest(count: number): number[] {
    const inOrder = [...this.#startedAt.subarray(this.#next), ...this.#startedAt.subarray(0, this.#next)]
    return inOrder.slice(-count)
  }

  #freeAt(offset: number): number {
    return (this.#startedAt[(this.#next + offset) % this.#startedAt.length] as number) + this.#spanMs
  }
}
