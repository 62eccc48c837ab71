import { isDeepStrictEqual } from 'node:util'
import type { Hook } from '../config/hook.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'
import type { Breaker } from './breaker.ts'
import { ByteBudget } from './byte-budget.ts'
import type { DeliveryReportOptions } from './delivery-report.ts'
import { Lane } from './lane.ts'
import type { PlannedClaim } from './lane.ts'
import { PauseWatch } from './pause-watch.ts'
import { Presence } from './presence.ts'
import { Reservation } from './reservation.ts'
import type { ReservationEnd, ReservedEvent } from './reservation.ts'
import { Sender } from './sender.ts'
import type { Ticket } from './window.ts'

/*
 * A delivery in the store:
 *
 *                   lease                2xx
 *       pending ──────────────▶ leased ──────▶ delivered
 *        ▲   ▲                  │ │ │
 *        │   └─ retry at t ─────┘ │ └─ 410, given up ─▶ dead
 *        └───── lease ran out ────┘
 *
 * The engine claims due deliveries, as many as each hook has room for; the sender sends them and settles their outcomes. A
 * delivery that is accepted while nothing else is due for its hook is leased in the same step, and needs no claim.
 * window.ts draws what happens to a lease inside this process. The rules are in next-state.ts and breaker.ts.
 */

export interface EngineOptions extends DeliveryReportOptions {
  store: Pick<Store, 'claim' | 'settle' | 'announce' | 'leave' | 'pausedHooks'>
  hooks: readonly Hook[]
  clock: Clock
  /** The jitter's source, a number from 0 up to 1. */
  random: () => number
}

/** Without any wake, due deliveries are looked for this often. */
const POLL_INTERVAL_MS = 1000
/** Bytes of bodies that all hooks together may have leased. */
const BUDGET_BYTES = 50_331_648

/** Delivers at least once what the store holds. The only place that wakes the loop. */
export class DeliveryEngine {
  readonly #options: EngineOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #budget = new ByteBudget(BUDGET_BYTES)
  readonly #sender: Sender
  readonly #presence: Presence
  readonly #pauses: PauseWatch
  readonly #loop: Loop
  #paused: ReadonlySet<string> = new Set()
  #reservations = 0
  #onIdle: (() => void) | null = null
  #stopping = false
  #stopped: Promise<void> | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#claimAndSend())
    this.#sender = new Sender({
      ...options,
      mayBegin: (now) => !this.#stopping && this.#mayLease(now),
      onClaimable: () => this.#loop.wake(),
      onIdle: () => this.#tellIfIdle(),
      onSlept: () => this.#putBackAll(),
    })
    this.#presence = new Presence({
      ...options,
      onLapsed: () => this.#putBackAll(),
      onAnnounced: ({ mayLeaseAgain, freed }) => {
        for (const lane of this.#lanes.values()) lane.share(this.#presence.hasOthers)
        if (mayLeaseAgain || freed > 0) this.#loop.wake()
      },
    })
    this.#pauses = new PauseWatch({
      ...options,
      onKnown: (paused, isFirst) => this.#setPaused(paused, isFirst),
    })
    this.setHooks(options.hooks)
  }

  start(): void {
    this.#presence.start()
    this.#pauses.start()
    this.#sender.start()
    this.#loop.start()
  }

  /** Says that something may be due. A hint: without it, the next poll finds out. */
  wake(): void {
    this.#loop.wake()
  }

  /** Reserves room for an event that is about to be accepted. The caller must end the reservation. */
  reserve(hooks: readonly string[], event: ReservedEvent): Reservation {
    this.#reservations++
    const bytes = Buffer.byteLength(event.body)
    const now = this.#options.clock.steadyMs()
    const mayLease = !this.#stopping && this.#mayLease(now)
    const parts = hooks.map((hook) => {
      const lane = this.#lanes.get(hook)
      return { hook, lane, ticket: mayLease ? (lane?.reserve(bytes, now) ?? null) : null }
    })
    return new Reservation(event, parts, this.#reservationEnd)
  }

  /**
   * Takes a new list of hooks over. Attempts under way end as they began; deliveries of a hook that is not named any
   * more stay in the store until it is named again.
   */
  setHooks(hooks: readonly Hook[]): void {
    for (const [name, lane] of this.#lanes) {
      if (!hooks.some((hook) => hook.name === name)) this.#sender.putBack(lane, lane.configure(null))
    }
    for (const hook of hooks) {
      const lane = this.#lanes.get(hook.name) ?? new Lane(this.#options.clock, this.#budget)
      this.#lanes.set(hook.name, lane)
      lane.share(this.#presence.hasOthers)
      lane.pause(this.#paused.has(hook.name))
      if (!isDeepStrictEqual(lane.hook, hook)) this.#sender.putBack(lane, lane.configure(hook))
    }
    this.#loop.wake()
  }

  /** Says that a person has paused or resumed a hook. Resolves when it is in force here. */
  pausesChanged(): Promise<void> {
    return this.#pauses.look()
  }

  /** Names of the hooks that a person has paused. */
  get paused(): ReadonlySet<string> {
    return this.#paused
  }

  /** The state of each configured hook's breaker. */
  breakers(): Map<string, Breaker['state']> {
    const configured = [...this.#lanes].filter(([, { hook }]) => hook !== null)
    return new Map(configured.map(([name, lane]) => [name, lane.breaker]))
  }

  /** Begins nothing more, gives attempts under way `graceMs` to end, interrupts the rest, and settles everything. */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#putBackAll()
    await this.#loop.stop()
    const interruption = this.#options.clock.after(graceMs, () => this.#sender.interrupt())
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.#tellIfIdle()
    })
    interruption.close()
    await this.#sender.stop()
    await Promise.all([this.#presence.stop(), this.#pauses.stop()])
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
  }

  /** @returns how long nothing will be due, in milliseconds */
  async #claimAndSend(): Promise<number> {
    const { clock } = this.#options
    const now = clock.steadyMs()
    if (!this.#mayLease(now)) return POLL_INTERVAL_MS
    const claims = new Map<Lane, PlannedClaim>()
    let idleMs = POLL_INTERVAL_MS
    for (const [name, lane] of this.#lanes) {
      if (lane.isForgettable) this.#lanes.delete(name)
      // Also here: while attempts hang, nothing else looks at those that wait.
      this.#sender.startWaiting(lane)
      const claim = lane.planClaim(now)
      if (claim !== null) claims.set(lane, claim)
      idleMs = Math.min(idleMs, (claim === null ? lane.nextStartInMs(now) : null) ?? idleMs)
    }
    if (claims.size === 0) return idleMs
    const result = await this.#claim([...claims.values()].map(({ want }) => want))
    for (const [lane, claim] of claims) {
      const given = lane.answerClaim(claim, result)
      this.#redeem(lane, claim.ticket, given)
    }
    if (result === null || result.failedHooks !== undefined) return POLL_INTERVAL_MS
    const hasMore = [...claims.keys()].some(
      (lane) => !lane.window.isCaughtUp && lane.hasRoom(clock.steadyMs()),
    )
    return hasMore ? 0 : Math.min(idleMs, result.nextDueInMs ?? idleMs)
  }

  /** `null` if the store cannot say. */
  async #claim(wants: readonly ClaimWant[]): Promise<ClaimResult | null> {
    try {
      return await this.#options.store.claim(wants)
    } catch (error) {
      this.#options.log.error({ err: error }, 'deliveries could not be claimed')
      return null
    }
  }

  #redeem(lane: Lane, ticket: Ticket, deliveries: readonly ClaimedDelivery[]): void {
    this.#sender.putBack(lane, lane.window.redeem(ticket, deliveries))
    if (this.#stopping) this.#sender.putBackWaiting(lane)
    else if (lane.window.waiting > 0) this.#sender.startSoon(lane)
  }

  /** The store knows this process, and this process knows which hooks are paused. */
  #mayLease(now: number): boolean {
    return this.#presence.isFresh(now) && this.#pauses.isKnown
  }

  #setPaused(paused: ReadonlySet<string>, isFirst: boolean): void {
    this.#paused = paused
    let mayLeaseMore = isFirst
    for (const [name, lane] of this.#lanes) {
      const isPaused = paused.has(name)
      if (isPaused === lane.isPaused) continue
      lane.pause(isPaused)
      if (isPaused) this.#sender.putBackWaiting(lane)
      else mayLeaseMore = true
    }
    if (mayLeaseMore) this.#loop.wake()
  }

  #putBackAll(): void {
    for (const lane of this.#lanes.values()) this.#sender.putBackWaiting(lane)
  }

  #tellIfIdle(): void {
    if (this.#sender.isIdle && this.#reservations === 0) this.#onIdle?.()
  }

  readonly #reservationEnd: ReservationEnd = {
    redeem: (lane, ticket, deliveries) => this.#redeem(lane, ticket, deliveries),
    due: (lane) => {
      lane.window.becameDue()
      // If the hook has no free slot, do nothing: the end that frees one wakes the loop.
      if (lane.canStart(this.#options.clock.steadyMs())) this.#loop.wake()
    },
    ended: () => {
      this.#reservations--
      this.#tellIfIdle()
    },
  }
}
