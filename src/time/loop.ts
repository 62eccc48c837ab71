import type { Clock } from './clock.ts'

/**
 * Runs one step again and again until it is stopped: the owner of sleep, wake and stop for everything in the relay
 * that works in rounds.
 *
 *   start ──▶ step ──▶ sleep for as long as the step said ──▶ step …
 *               ▲         │
 *               └─ wake ──┘   A wake while the step runs is not lost: the next step follows without a sleep.
 *
 *   stop: lets the step that is running end, and begins no other. `signal` tells the step that it should hurry.
 */
export class Loop {
  readonly #clock: Clock
  readonly #step: (signal: AbortSignal) => Promise<number>
  readonly #stopping = new AbortController()
  #woken = false
  #endSleep: (() => void) | null = null
  #running: Promise<void> | null = null

  /** @param step does the work there is, and answers after how many milliseconds to run again; it must not reject */
  constructor(clock: Clock, step: (signal: AbortSignal) => Promise<number>) {
    this.#clock = clock
    this.#step = step
  }

  /** @param firstAfterMs how long to sleep before the first step */
  start(firstAfterMs = 0): void {
    this.#running ??= this.#run(firstAfterMs)
  }

  /** Ends the sleep. May be called at any time and any number of times. */
  wake(): void {
    this.#woken = true
    this.#endSleep?.()
  }

  /** Aborted once the loop is to stop. */
  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  /** Resolves when the step that was running has ended. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#endSleep?.()
    await this.#running
  }

  /** A pause inside a step; a stop ends it early, a wake does not. */
  pause(delayMs: number): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        timer.close()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.#clock.after(delayMs, end)
      signal.addEventListener('abort', end)
    })
  }

  async #run(firstAfterMs: number): Promise<void> {
    if (firstAfterMs > 0) await this.#sleep(firstAfterMs)
    while (!this.#stopping.signal.aborted) {
      // Cleared before the step: whatever comes up while the step runs causes another one.
      this.#woken = false
      const idleMs = await this.#step(this.#stopping.signal)
      if (!this.#woken) await this.#sleep(idleMs)
    }
  }

  async #sleep(delayMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(delayMs, resolve)
      this.#endSleep = () => {
        timer.close()
        resolve()
      }
    })
    this.#endSleep = null
  }
}
