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
  /** Announced, and still fresh. `freed`: leases of gone processes that were put back. */
  onAnnounced: (about: { mayLeaseAgain: boolean; freed: number }) => void
}

/** `announcedAt`: when the latest announcement that arrived was sent. Steady milliseconds. */
type State =
  { kind: 'unannounced' } | { kind: 'alone' } | { kind: 'shared'; announcedAt: number; others: number }

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
  #state: State = { kind: 'unannounced' }

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start()
  }

  /**
   * Whether this process may lease and send: the store knows it by now, so that others could free its leases, and
   * cannot have declared it gone yet.
   * @param now steady milliseconds
   */
  isFresh(now: number): boolean {
    switch (this.#state.kind) {
      case 'unannounced':
        return false
      case 'alone':
        return true
      case 'shared':
        return now - this.#state.announcedAt <= FRESH_FOR_MS
    }
  }

  /** Whether other live processes share the store, as far as the latest announcement told. */
  get hasOthers(): boolean {
    return this.#state.kind === 'shared' && this.#state.others > 0
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
    const isFirst = this.#state.kind === 'unannounced'
    if (announcement.kind === 'alone') {
      this.#state = announcement
      onAnnounced({ mayLeaseAgain: isFirst, freed: 0 })
      return NEVER_AGAIN_MS
    }
    const { others, freed, hasMore } = announcement
    const hasLapsed = !isFirst && !this.isFresh(sentAt)
    this.#state = { kind: 'shared', announcedAt: sentAt, others }
    // Paused while the store answered: give back what waits before anything else.
    if (!this.isFresh(clock.steadyMs())) return 0
    onAnnounced({ mayLeaseAgain: isFirst || hasLapsed, freed })
    return hasMore ? 0 : ANNOUNCE_EVERY_MS
  }
}
