/**
 * Runs a step again and again, each time after as long as the step before it said, or at once when it is woken. A
 * wake-up while a step runs is not lost: the next step follows without a pause.
 */
export class WakingLoop {
  readonly #step: () => Promise<number>
  #woken = false
  #endSleep: (() => void) | null = null
  #stopping = false
  #running: Promise<void> | null = null

  /** @param step does what there is to do and gives how long there will be nothing, in milliseconds; never rejects */
  constructor(step: () => Promise<number>) {
    this.#step = step
  }

  start(): void {
    this.#running ??= this.#run()
  }

  wake(): void {
    this.#woken = true
    this.#endSleep?.()
  }

  /** Resolves when the step that is under way has ended; no other follows. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      // Cleared before the step: what comes up while it runs wakes the next one.
      this.#woken = false
      const idleMs = await this.#step()
      if (!this.#woken) await this.#sleep(idleMs)
    }
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endSleep = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endSleep = null
  }
}
