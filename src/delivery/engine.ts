import { isDeepStrictEqual } from 'node:util'
import type { Hook } from '../config/hook.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery, NextState, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'
import type { Breaker } from './breaker.ts'
import { ByteBudget } from './byte-budget.ts'
import { DeliveryReport } from './delivery-report.ts'
import type { DeliveryReportOptions } from './delivery-report.ts'
import type { Exchange } from './exchange.ts'
import { Lane } from './lane.ts'
import type { PlannedClaim, StartedAttempt } from './lane.ts'
import { LeaseEnd } from './lease-end.ts'
import { MAX_WAITING_MS } from './lease.ts'
import { nextState } from './next-state.ts'
import { Presence } from './presence.ts'
import type { Outcome } from './outcome.ts'
import { Reservation } from './reservation.ts'
import type { ReservationEnd, ReservedEvent } from './reservation.ts'
import { Settler } from './settler.ts'
import type { Lease, Ticket } from './window.ts'

/*
 * A delivery in the store:
 *
 *                   lease                2xx
 *       pending ──────────────▶ leased ──────▶ delivered
 *        ▲   ▲                  │ │ │
 *        │   └─ retry at t ─────┘ │ └─ 410, given up ─▶ dead
 *        └───── lease ran out ────┘
 *
 * The engine claims due deliveries, as many as each hook has room for, sends them, and settles their outcomes. A
 * delivery that is accepted while nothing else is due for its hook is leased in the same step, and needs no claim.
 * window.ts draws what happens to a lease inside this process. The rules are in next-state.ts and breaker.ts.
 */

export interface EngineOptions extends DeliveryReportOptions {
  store: Pick<Store, 'claim' | 'settle' | 'announce' | 'leave'>
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
  readonly #settler: Settler
  readonly #report: DeliveryReport
  readonly #presence: Presence
  readonly #loop: Loop
  readonly #sending = new Set<Exchange>()
  /** Lanes whose waiting deliveries are looked at on the next turn. */
  readonly #toStart = new Set<Lane>()
  #reservations = 0
  /** Wall time less steady time. It grows while the machine is suspended, and when somebody sets the wall clock. */
  #wallAheadMs: number
  #onIdle: (() => void) | null = null
  #stopping = false
  #stopped: Promise<void> | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    this.#wallAheadMs = options.clock.wallMs() - options.clock.steadyMs()
    this.#loop = new Loop(options.clock, () => this.#claimAndSend())
    this.#settler = new Settler(options)
    this.#report = new DeliveryReport(options)
    this.#presence = new Presence({
      ...options,
      onLapsed: () => this.#putBackAll(),
      onAnnounced: ({ mayLeaseAgain, freed }) => {
        for (const lane of this.#lanes.values()) lane.share(this.#presence.hasOthers)
        if (mayLeaseAgain || freed > 0) this.#loop.wake()
      },
    })
    this.setHooks(options.hooks)
  }

  start(): void {
    this.#presence.start()
    this.#settler.start()
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
    const mayLease = !this.#stopping && this.#presence.isFresh(now)
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
      if (!hooks.some((hook) => hook.name === name)) this.#putBack(lane, lane.configure(null))
    }
    for (const hook of hooks) {
      const lane = this.#lanes.get(hook.name) ?? new Lane(this.#options.clock, this.#budget)
      this.#lanes.set(hook.name, lane)
      lane.share(this.#presence.hasOthers)
      if (!isDeepStrictEqual(lane.hook, hook)) this.#putBack(lane, lane.configure(hook))
    }
    this.#loop.wake()
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
    const interruption = this.#options.clock.after(graceMs, () => {
      for (const exchange of this.#sending) exchange.interrupt()
    })
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.#tellIfIdle()
    })
    interruption.close()
    await this.#settler.stop()
    await this.#presence.stop()
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
  }

  /** @returns how long nothing will be due, in milliseconds */
  async #claimAndSend(): Promise<number> {
    const { clock } = this.#options
    const now = clock.steadyMs()
    if (!this.#presence.isFresh(now)) return POLL_INTERVAL_MS
    const claims = new Map<Lane, PlannedClaim>()
    let idleMs = POLL_INTERVAL_MS
    for (const [name, lane] of this.#lanes) {
      if (lane.isForgettable) this.#lanes.delete(name)
      // Also here: while attempts hang, nothing else looks at those that wait.
      this.#startWaiting(lane)
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
    this.#putBack(lane, lane.window.redeem(ticket, deliveries))
    if (this.#stopping)
      this.#putBack(
        lane,
        lane.window.giveBack(() => true),
      )
    else if (lane.window.waiting > 0) this.#startSoon(lane)
  }

  /** On a later turn, so that Seam is answered first, and one look serves all that came in this turn. */
  #startSoon(lane: Lane): void {
    if (this.#toStart.size === 0) {
      setImmediate(() => {
        const lanes = [...this.#toStart]
        this.#toStart.clear()
        for (const one of lanes) this.#startWaiting(one)
      })
    }
    this.#toStart.add(lane)
  }

  /** Begins as many as may begin. Puts back those that have waited too long, or that must not wait here at all. */
  #startWaiting(lane: Lane): void {
    this.#putBackAfterSleep()
    const now = this.#options.clock.steadyMs()
    this.#putBack(
      lane,
      lane.window.giveBack(({ leasedAt }) => leasedAt + MAX_WAITING_MS < now),
    )
    const mayBegin = !this.#stopping && this.#presence.isFresh(now)
    while (mayBegin) {
      const started = lane.start(now)
      if (started === null) break
      this.#follow(lane, started)
    }
    if (!mayBegin || !lane.mayWait(now))
      this.#putBack(
        lane,
        lane.window.giveBack(() => true),
      )
  }

  /**
   * The steady clock stands still while the machine is suspended, and a lease at a database runs on. What waits is put
   * back unsent: another replica may have it by now. A wall clock that was merely set costs another claim and no more.
   */
  #putBackAfterSleep(): void {
    const { clock } = this.#options
    const wallAheadMs = clock.wallMs() - clock.steadyMs()
    const mayHaveSlept = wallAheadMs - this.#wallAheadMs > MAX_WAITING_MS
    this.#wallAheadMs = wallAheadMs
    if (!mayHaveSlept) return
    for (const lane of this.#lanes.values())
      this.#putBack(
        lane,
        lane.window.giveBack(() => true),
      )
  }

  #follow(lane: Lane, { hook, lease, exchange }: StartedAttempt): void {
    this.#sending.add(exchange)
    void exchange.outcome.then((outcome) => {
      this.#sending.delete(exchange)
      this.#ended(lane, hook, lease, outcome)
      this.#startWaiting(lane)
      // While nothing is due, a free slot is of no use to a claim.
      if (outcome.kind !== 'delivered' || !lane.window.isCaughtUp) this.#loop.wake()
      this.#tellIfIdle()
    })
  }

  #ended(lane: Lane, hook: Hook, lease: Lease, outcome: Outcome): void {
    const now = this.#options.clock.steadyMs()
    lane.window.end(lease)
    this.#report.attempted(lease.delivery, outcome)
    if (lane.ended(hook, outcome, now)) this.#report.opened(hook)
    const { failures, ageMs, failingForMs } = lease.delivery
    const sinceLeaseMs = now - lease.leasedAt
    const tried = {
      failures,
      ageMs: Math.round(ageMs + sinceLeaseMs),
      failingForMs:
        failingForMs === null ? outcome.record.durationMs : Math.round(failingForMs + sinceLeaseMs),
    }
    const next = nextState(outcome, tried, hook.retry, this.#options.random())
    this.#settle(lane, lease, next, outcome)
  }

  #putBackAll(): void {
    for (const lane of this.#lanes.values()) {
      this.#putBack(
        lane,
        lane.window.giveBack(() => true),
      )
    }
  }

  /** Puts deliveries that were never sent back into the store, due at once. */
  #putBack(lane: Lane, leases: readonly Lease[]): void {
    for (const lease of leases) {
      this.#settle(lane, lease, { state: 'pending', delayMs: 0, failures: lease.delivery.failures }, null)
    }
  }

  #settle(lane: Lane, lease: Lease, next: NextState, outcome: Outcome | null): void {
    this.#settler.add(
      new LeaseEnd(lease, next, outcome, (result) => {
        const wasFull = lane.window.isFull
        lane.window.settled(lease)
        if (outcome !== null) this.#report.settled(lease.delivery, outcome, next, result)
        this.#wakeIfDue(lane, next)
        // Otherwise the end of the attempt has claimed already; one more claim for each outcome is only work.
        if (wasFull && !lane.window.isCaughtUp) this.#loop.wake()
      }),
    )
  }

  /** What was put back is due, or will be at a time that no claim has told yet; in order, the next one is due now. */
  #wakeIfDue(lane: Lane, next: NextState): void {
    const isOrdered = lane.hook?.ordering === 'credential'
    if (isOrdered || (next.state === 'pending' && next.delayMs === 0)) lane.window.becameDue()
    if (isOrdered || next.state === 'pending') this.#loop.wake()
  }

  #tellIfIdle(): void {
    if (this.#sending.size === 0 && this.#reservations === 0) this.#onIdle?.()
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
