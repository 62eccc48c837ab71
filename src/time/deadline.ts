import type { Clock, Timer } from './clock.ts'

/** How a deadline ends. `stalled`: this process stood still for so long that nothing can be said of the other side. */
export type DeadlineEnd = 'passed' | 'stalled'

/** The time that has gone by, and how much of it this process certainly ran. Milliseconds. */
export interface Progress {
  elapsedMs: number
  ranMs: number
}

/** Time is counted in pieces of this length, so that a stall costs one piece and not all that was counted before. */
const SLICE_MS = 500
/** A timer that fires later than this says that the process stood still; a busy event loop is late by less. */
const LATE_MS = 500
/** What a stall took is given back up to this. A lease has three times as much left when its attempt should end. */
export const MAX_EXTENSION_MS = 5000

/** What to do next: wait for another slice of this length, or end. Pure. */
export function nextSlice(spanMs: number, { elapsedMs, ranMs }: Progress): number | DeadlineEnd {
  const missingMs = spanMs - ranMs
  const leftMs = spanMs + MAX_EXTENSION_MS - elapsedMs
  if (missingMs <= 0) return 'passed'
  return leftMs <= 0 ? 'stalled' : Math.min(SLICE_MS, missingMs, leftMs)
}

/** How much of a slice counts. One that ended far too late does not: nobody knows how much of it the process ran. */
export function countedMs(plannedMs: number, tookMs: number): number {
  // A timer may fire a fraction of a millisecond early.
  return tookMs - plannedMs > LATE_MS ? 0 : Math.max(plannedMs, tookMs)
}

/**
 * Gives the other side a span to answer in. While this process stands still (a paused container, a frozen machine)
 * the other side may well have answered, and nobody here has looked: so time that the process did not run does not
 * count, and before the deadline ends, the event loop turns once more and reads what has come.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #spanMs: number
  readonly #onEnd: (end: DeadlineEnd) => void
  readonly #startedAt: number
  #ranMs = 0
  #timer: Timer
  #isClosed = false

  constructor(clock: Clock, spanMs: number, onEnd: (end: DeadlineEnd) => void) {
    this.#clock = clock
    this.#spanMs = spanMs
    this.#onEnd = onEnd
    this.#startedAt = clock.steadyMs()
    this.#timer = this.#wait(Math.min(SLICE_MS, spanMs))
  }

  /** Whether it is so late that only a stall explains it, whether or not `onEnd` has been called. */
  get isLongPast(): boolean {
    return this.#elapsedMs > this.#spanMs + MAX_EXTENSION_MS
  }

  /** `onEnd` will not be called any more. May be called twice. */
  close(): void {
    this.#isClosed = true
    this.#timer.close()
  }

  get #elapsedMs(): number {
    return this.#clock.steadyMs() - this.#startedAt
  }

  #wait(plannedMs: number): Timer {
    const from = this.#clock.steadyMs()
    return this.#clock.after(plannedMs, () => {
      this.#ranMs += countedMs(plannedMs, this.#clock.steadyMs() - from)
      const next = nextSlice(this.#spanMs, { elapsedMs: this.#elapsedMs, ranMs: this.#ranMs })
      if (typeof next === 'number') this.#timer = this.#wait(next)
      else setImmediate(() => this.#end(next))
    })
  }

  #end(end: DeadlineEnd): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onEnd(end)
  }
}
