import type { Clock } from '../time/clock.ts'

/**
 * Notices that the machine was suspended: the steady clock stands still meanwhile and the wall clock does not. A wall
 * clock that somebody merely sets ahead looks the same.
 */
export class SleepWatch {
  readonly #clock: Clock
  readonly #longerThanMs: number
  /** Wall time less steady time. */
  #aheadMs: number

  constructor(clock: Clock, longerThanMs: number) {
    this.#clock = clock
    this.#longerThanMs = longerThanMs
    this.#aheadMs = clock.wallMs() - clock.steadyMs()
  }

  /** Whether the machine may have slept for so long since this was asked last. */
  mayHaveSlept(): boolean {
    const aheadMs = this.#clock.wallMs() - this.#clock.steadyMs()
    const grownMs = aheadMs - this.#aheadMs
    this.#aheadMs = aheadMs
    return grownMs > this.#longerThanMs
  }
}
