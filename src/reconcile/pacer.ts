import type { Clock } from '../time/clock.ts'

/** So many times as long as a piece of work took, the event loop is left to webhooks and deliveries. */
const REST = 6

/** Does work in small pieces with rests between them, so that comparing a long list holds nobody up. */
export class Pacer {
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  async work<T>(piece: () => T): Promise<T> {
    const from = this.#clock.steadyMs()
    const result = piece()
    await this.#rest((this.#clock.steadyMs() - from) * REST)
    return result
  }

  #rest(delayMs: number): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        timer.close()
        this.#signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.#clock.after(Math.ceil(delayMs), end)
      this.#signal.addEventListener('abort', end)
    })
  }
}
