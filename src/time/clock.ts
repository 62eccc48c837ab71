/** A timer that was set. */
export interface Timer {
  /** The callback will not be called any more. May be called twice, and after it has fired. */
  close(): void
  /** The process may end while this timer is the only thing left. */
  unref(): unknown
}

/**
 * The relay's only source of time. `main.ts` makes the real one and `app.ts` hands it on; no other file reads the
 * time or sets a timer by itself, so a test can put in a clock that it moves by hand.
 */
export interface Clock {
  /**
   * Milliseconds that never jump. Only the difference of two readings means anything. For spans: leases while the
   * process lives, windows, time-outs, how long something took.
   */
  steadyMs(): number
  /** Milliseconds since 1970, as the machine believes. It may jump. For what people read and what other machines check. */
  wallMs(): number
  /** Calls back once, when this many steady milliseconds have passed. */
  after(delayMs: number, callback: () => void): Timer
}

/** The machine's own clocks and Node's timers. */
export const systemClock: Clock = {
  steadyMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => setTimeout(callback, delayMs),
}
