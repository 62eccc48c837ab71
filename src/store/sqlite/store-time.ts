import type { Clock } from '../../time/clock.ts'

/**
 * The embedded store's time, in whole milliseconds since 1970: what the wall clock showed when the store was opened,
 * and from there on by the steady clock. A wall clock that is set while the relay runs makes nothing due early or late
 * and changes no age; the next start follows it.
 *
 * It never goes back: a store that was last written later than the wall clock shows goes on from there. Otherwise what
 * is due in a second would wait until the wall clock has caught up, after a start with a clock at 1970 for ever.
 */
export class StoreTime {
  readonly #clock: Clock
  #startedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.wallMs() - clock.steadyMs()
  }

  now(): number {
    return Math.floor(this.#startedAt + this.#clock.steadyMs())
  }

  /** Goes on from the time at which the file was last written, if that is later. */
  goOnFrom(lastWrittenAt: number): void {
    this.#startedAt += Math.max(0, lastWrittenAt - this.now())
  }
}
