import type { Clock, Timer } from '../../src/time/clock.ts'

interface Pending {
  dueAt: number
  callback: () => void
}

/** A clock that stands still until a test moves it. Timers fire in the order in which they are due. */
export class ManualClock implements Clock {
  #steadyMs = 1_000_000
  #wallMs: number
  readonly #pending = new Set<Pending>()

  constructor(wallMs: number = Date.now()) {
    this.#wallMs = wallMs
  }

  steadyMs(): number {
    return this.#steadyMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = { dueAt: this.#steadyMs + Math.max(0, delayMs), callback }
    this.#pending.add(pending)
    return { close: () => void this.#pending.delete(pending), unref: () => {} }
  }

  /** How many timers are set and have not fired. */
  get timers(): number {
    return this.#pending.size
  }

  /** Lets time pass on both clocks. Each timer that becomes due fires at its own moment. */
  advance(ms: number): void {
    const end = this.#steadyMs + ms
    for (let next = this.#nextBy(end); next !== null; next = this.#nextBy(end)) {
      this.#pending.delete(next)
      this.#moveTo(Math.max(this.#steadyMs, next.dueAt))
      next.callback()
    }
    this.#moveTo(end)
  }

  /** Time passes while the process stands still: every timer that has become due fires at the end. */
  stall(ms: number): void {
    this.#moveTo(this.#steadyMs + ms)
    this.advance(0)
  }

  /** The wall clock is set by somebody; the steady one does not notice. */
  setWall(wallMs: number): void {
    this.#wallMs = wallMs
  }

  #moveTo(steadyMs: number): void {
    this.#wallMs += steadyMs - this.#steadyMs
    this.#steadyMs = steadyMs
  }

  #nextBy(end: number): Pending | null {
    let next: Pending | null = null
    for (const one of this.#pending) {
      if (one.dueAt <= end && (next === null || one.dueAt < next.dueAt)) next = one
    }
    return next
  }
}

/** The machine's clocks with an offset that a test can change: time goes on by itself, and jumps when it is told to. */
export class ShiftedClock implements Clock {
  #steadyShiftMs = 0
  #wallShiftMs = 0

  steadyMs(): number {
    return performance.now() + this.#steadyShiftMs
  }

  wallMs(): number {
    return Date.now() + this.#wallShiftMs
  }

  after(delayMs: number, callback: () => void): Timer {
    return setTimeout(callback, delayMs)
  }

  /** Both clocks go forward by this. Timers do not fire earlier for it. */
  skip(ms: number): void {
    this.#steadyShiftMs += ms
    this.#wallShiftMs += ms
  }

  /** Only the wall clock jumps. */
  jumpWall(ms: number): void {
    this.#wallShiftMs += ms
  }
}
