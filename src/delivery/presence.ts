import type { Logger } from '../observability/logger.ts'
import type { Announcement, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface PresenceOptions {
  store: Pick<Store, 'announce' | 'leave'>
  clock: Clock
  log: Logger
  /** This process may count as gone by now: what waits here may be leased to another one. */
  onLapsed: () => void
  /** Announced, and still fresh. */
  onAnnounced: (announcement: Announcement & { kind: 'shared' }) => void
}

const ANNOUNCE_EVERY_MS = 3000
/** Less than the store's limit for a process that is gone, so that an attempt never begins after another one took over. */
const FRESH_FOR_MS = 12_000
/** Far off: a process that has the store for itself need not say again that it is there. */
const NEVER_AGAIN_MS = 2_000_000_000

/**
 * Tells a shared store again and again that this process is alive, and knows by the steady clock how long ago the store
 * last heard it. A process that was paused finds out here, before it begins another attempt.
 */
export class Presence {
  readonly #options: PresenceOptions
  readonly #loop: Loop
  /** When the latest announcement that arrived was sent; `null` before the first: then no lease bears our name yet. */
  #announcedAt: number | null = null
  #hasOthers = false

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start()
  }

  /** Whether nobody can have taken over yet what is leased here. @param now steady milliseconds */
  isFresh(now: number): boolean {
    return this.#announcedAt === null || now - this.#announcedAt <= FRESH_FOR_MS
  }

  /** Whether other live processes share the store, as far as the latest announcement told. */
  get hasOthers(): boolean {
    return this.#hasOthers
  }

  /** Takes its leave, so that nobody waits for a further sign. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    try {
      await this.#options.store.leave()
    } catch (error) {
      this.#options.log.warn({ err: error }, 'leave not taken: other replicas notice within seconds')
    }
  }

  /** @returns after how many milliseconds to announce again */
  async #step(): Promise<number> {
    const { store, clock, log, onLapsed, onAnnounced } = this.#options
    const sentAt = clock.steadyMs()
    if (!this.isFresh(sentAt)) onLapsed()
    let announcement: Announcement
    try {
      announcement = await store.announce()
    } catch (error) {
      log.warn({ err: error }, 'presence could not be announced, to be tried again')
      return ANNOUNCE_EVERY_MS
    }
    if (announcement.kind === 'alone') return NEVER_AGAIN_MS
    this.#announcedAt = sentAt
    this.#hasOthers = announcement.others > 0
    // Paused while the store answered: give back what waits before anything else.
    if (!this.isFresh(clock.steadyMs())) return 0
    onAnnounced(announcement)
    return announcement.hasMore ? 0 : ANNOUNCE_EVERY_MS
  }
}
