import { setTimeout as delay } from 'node:timers/promises'
import type { PruneCursor, Store } from './store.ts'

export interface RetentionOptions {
  store: Pick<Store, 'prune'>
  log: { info(about: object, message: string): void; error(about: object, message: string): void }
  payloadAgeMs: number
  dedupAgeMs: number
}

/** How often it is looked for what has become too old. */
const ROUND_MS = 3_600_000
/** Between two steps, so that pruning takes a small share of the store's time. */
const STEP_PAUSE_MS = 50
const STEP_ROWS = 100
const FIRST_ROUND_MS = 60_000

/** Removes what is older than is kept, in small steps, for as long as the process runs. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #stop = new AbortController()
  #loop: Promise<void> | null = null

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    await this.#pause(FIRST_ROUND_MS)
    while (!this.#stop.signal.aborted) {
      await this.round()
      await this.#pause(ROUND_MS)
    }
  }

  /** One pass over everything that is too old. */
  async round(): Promise<void> {
    const { store, log, payloadAgeMs, dedupAgeMs } = this.#options
    let pruned = 0
    let forgotten = 0
    let next: PruneCursor | null = null
    try {
      do {
        const after: { after?: PruneCursor } = next === null ? {} : { after: next }
        const step = await store.prune({ payloadAgeMs, dedupAgeMs, limit: STEP_ROWS, ...after })
        pruned += step.pruned
        forgotten += step.forgotten
        next = step.next
        await this.#pause(STEP_PAUSE_MS)
      } while (next !== null && !this.#stop.signal.aborted)
    } catch (error) {
      log.error({ err: error }, 'pruning stopped, to be tried again')
    }
    if (pruned + forgotten > 0) log.info({ events: pruned, ids: forgotten }, 'what was too old is gone')
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}
