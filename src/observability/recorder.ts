import type { ActivityItem, Count, CountKind, Records } from '../store/records.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'
import type { Logger } from './logger.ts'

export interface RecorderOptions {
  store: Pick<Records, 'record'>
  clock: Clock
  log: Pick<Logger, 'warn' | 'info'>
}

/** Takes what happens, for people. Never throws, never waits. */
export interface Recording {
  count(kind: CountKind, hook?: string, code?: string): void
  happened(item: Omit<ActivityItem, 'at'>): void
}

const FLUSH_EVERY_MS = 1000
/** Nobody reads more in a second. Further ones are counted. */
const ITEMS_KEPT = 100

/**
 * Counts what happens and keeps the newest of it, and writes both into the store about once a second, for charts and for those who
 * watch. What the store does not take goes into the next try, so a failing store costs activity and no counts. A crash costs
 * the counts of the last second.
 */
export class Recorder implements Recording {
  readonly #options: RecorderOptions
  readonly #loop: Loop
  #counts = new Map<string, Count>()
  #items: ActivityItem[] = []
  #skipped = 0
  #isFailing = false

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, async () => {
      await this.#flush()
      return FLUSH_EVERY_MS
    })
  }

  start(): void {
    this.#loop.start(FLUSH_EVERY_MS)
  }

  /** Writes what there is. May be called twice. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#flush()
  }

  count(kind: CountKind, hook = '', code = ''): void {
    this.#add(kind, hook, code, 1)
  }

  happened(item: Omit<ActivityItem, 'at'>): void {
    if (this.#items.length < ITEMS_KEPT) this.#items.push({ ...item, at: this.#options.clock.wallMs() })
    else this.#skipped++
  }

  #add(kind: CountKind, hook: string, code: string, times: number): void {
    const key = `${kind}\n${hook}\n${code}`
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { kind, hook, code, count: times })
    else known.count += times
  }

  async #flush(): Promise<void> {
    if (this.#counts.size === 0 && this.#items.length === 0 && this.#skipped === 0) return
    const [counts, activity, skipped] = [[...this.#counts.values()], this.#items, this.#skipped]
    this.#counts = new Map()
    this.#items = []
    this.#skipped = 0
    const { store, log } = this.#options
    try {
      await store.record({ counts, activity, skipped })
      if (this.#isFailing) log.info('counts are written again')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        log.warn({ err: error }, 'counts could not be written, they are kept and tried again')
      this.#isFailing = true
      for (const { kind, hook, code, count } of counts) this.#add(kind, hook, code, count)
      this.#skipped += skipped + activity.length
    }
  }
}
