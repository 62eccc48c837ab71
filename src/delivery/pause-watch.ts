import type { Logger } from '../observability/logger.ts'
import type { Records } from '../store/records.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface PauseWatchOptions {
  store: Pick<Records, 'pausedHooks'>
  clock: Clock
  log: Pick<Logger, 'warn' | 'info'>
  /** Called when the store has answered, with the names of the paused hooks. `isFirst`: it was not known before. */
  onKnown: (paused: ReadonlySet<string>, isFirst: boolean) => void
}

/** A person pauses a hook at one replica; the others learn it within this time. */
const LOOK_EVERY_MS = 2000

/**
 * Knows which hooks people have paused. A pause is in the store, for every replica and across restarts, so nothing is sent before the
 * store was asked for the first time. While it cannot be asked, what was known last stays in force.
 */
export class PauseWatch {
  readonly #options: PauseWatchOptions
  readonly #loop: Loop
  /** Names, each with who paused the hook; `null`: the store has not answered yet. */
  #paused: ReadonlyMap<string, string> | null = null
  #isFailing = false
  /** Looks are numbered as they begin. An answer that comes after that of a later look is out of date. */
  #looks = 0
  #answeredLook = 0

  constructor(options: PauseWatchOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, async () => {
      await this.look()
      return LOOK_EVERY_MS
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Whether the store was ever asked with success. */
  get isKnown(): boolean {
    return this.#paused !== null
  }

  /** Asks the store now. Never rejects. */
  async look(): Promise<void> {
    const { store, log } = this.#options
    const look = ++this.#looks
    try {
      const pauses = await store.pausedHooks()
      if (this.#isFailing) log.info('it is known again which hooks are paused')
      this.#isFailing = false
      if (look < this.#answeredLook) return
      this.#answeredLook = look
      this.#take(new Map(pauses.map(({ hook, pausedBy }) => [hook, pausedBy])))
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'the store could not say which hooks are paused')
      this.#isFailing = true
    }
  }

  #take(paused: ReadonlyMap<string, string>): void {
    const { log, onKnown } = this.#options
    const before = this.#paused
    this.#paused = paused
    for (const [hook, pausedBy] of paused)
      if (before?.has(hook) !== true)
        log.warn({ hook, paused_by: pausedBy }, 'hook paused: its deliveries wait until a person resumes it')
    for (const hook of before?.keys() ?? []) if (!paused.has(hook)) log.info({ hook }, 'hook resumed')
    onKnown(new Set(paused.keys()), before === null)
  }
}
