import { isDeepStrictEqual } from 'node:util'
import type { Hook } from '../config/hook.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery, Settlement, Store } from '../store/store.ts'
import type { Breaker } from './breaker.ts'
import { DeliveryReport } from './delivery-report.ts'
import type { DeliveryReportOptions } from './delivery-report.ts'
import type { Attempt } from './hook-client.ts'
import { Lane } from './lane.ts'
import type { Held } from './lane.ts'
import { LEASE_MARGIN_MS, MAX_HELD_MS, leaseMsOf, wantOf } from './lease.ts'
import { nextState } from './next-state.ts'
import type { Outcome } from './outcome.ts'
import { Settler } from './settler.ts'
import { WakingLoop } from './waking-loop.ts'

/*
 *             claim              2xx
 *  pending ──────────▶ leased ──────────▶ delivered
 *    ▲  ▲               │ │ └─ 410, given up ─▶ dead
 *    │  └─ retry at t ──┘ │
 *    └──── lease expired ─┘
 *
 * The engine claims what is due, as much as each hook has room for, sends it, and settles what came of it. What is
 * accepted while nothing waits for its hook is leased with that and spares the claim.
 * The rules are in next-state.ts and breaker.ts; the store only keeps the state.
 */

export interface EngineOptions extends DeliveryReportOptions {
  store: Store
  hooks: readonly Hook[]
  /** The jitter's source, a number from 0 up to 1. */
  random: () => number
}

/** Without any wake-up, what is due is looked for this often. */
const POLL_INTERVAL_MS = 1000

/** Delivers at least once what the store holds. */
export class DeliveryEngine {
  readonly #options: EngineOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #settler: Settler
  readonly #report: DeliveryReport
  readonly #inFlight = new Set<Attempt>()
  /** Places that are taken and neither filled nor given back. */
  #places = 0
  #onIdle: (() => void) | null = null
  readonly #loop = new WakingLoop(() => this.#claimAndSend())
  #stopping = false
  #stopped: Promise<void> | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    this.#settler = new Settler({
      ...options,
      holdMs: LEASE_MARGIN_MS,
      onWritten: (lot) => this.#wakeAfter(lot),
    })
    this.#report = new DeliveryReport(options)
    this.setHooks(options.hooks)
  }

  start(): void {
    this.#loop.start()
  }

  /** Says that something may be due. A hint: without it, it is found at the next poll. */
  wake(): void {
    this.#loop.wake()
  }

  /** Says that something is due for one hook. Where it has no room, as behind a breaker, what makes room wakes. */
  wakeFor(hook: string): void {
    const lane = this.#lanes.get(hook)
    lane?.fallBehind()
    if (lane?.mayClaim(performance.now()) === true) this.wake()
  }

  /**
   * A place at a hook for a delivery that is about to be accepted, which then needs no claim. It has to be used, with
   * the delivery or with none. `null` where it has to wait its turn.
   */
  takePlace(hook: string) {
    const lane = this.#lanes.get(hook)
    if (this.#stopping || lane?.takePlace() !== true) return null
    this.#places++
    const startBy = performance.now() + MAX_HELD_MS
    const use = (delivery: ClaimedDelivery | null) => {
      lane.givePlaceBack()
      this.#places--
      if (delivery !== null) this.#hold({ delivery, startBy })
      this.#ifIdle()
    }
    return { hook, leaseMs: leaseMsOf(lane.hook), use }
  }

  /**
   * Takes a new list of hooks over. What is in flight ends as it began; deliveries of a hook that is no longer
   * named stay as they are until it is named again.
   */
  setHooks(hooks: readonly Hook[]): void {
    for (const [name, lane] of this.#lanes) {
      if (hooks.some((hook) => hook.name === name)) continue
      this.#lanes.delete(name)
      this.#putBackHeld(lane)
      void lane.drain()
    }
    for (const hook of hooks) {
      const lane = this.#lanes.get(hook.name)
      if (lane === undefined) this.#lanes.set(hook.name, new Lane(hook))
      else if (!isDeepStrictEqual(lane.hook, hook)) {
        this.#putBackHeld(lane)
        lane.change(hook)
      }
    }
    this.wake()
  }

  /** The state of each hook's breaker. */
  breakers(): Map<string, Breaker['state']> {
    return new Map([...this.#lanes].map(([name, lane]) => [name, lane.breaker]))
  }

  /** Claims no more, gives what is in flight `graceMs` to end, interrupts the rest and settles everything. */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const lane of this.#lanes.values()) this.#putBackHeld(lane)
    await this.#loop.stop()
    const interruption = setTimeout(() => {
      for (const attempt of this.#inFlight) attempt.interrupt()
    }, graceMs)
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.#ifIdle()
    })
    clearTimeout(interruption)
    await this.#settler.stop()
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
  }

  /** @returns how long nothing will be due, in milliseconds */
  async #claimAndSend(): Promise<number> {
    const now = performance.now()
    const asking: { lane: Lane; want: ClaimWant }[] = []
    let idleMs = POLL_INTERVAL_MS
    for (const lane of this.#lanes.values()) {
      // Where nothing ends for long, this is who sees that something has been held for too long.
      this.#beginHeld(lane)
      const limit = lane.beginClaim(now)
      if (limit > 0) asking.push({ lane, want: wantOf(lane.hook, limit) })
      else idleMs = Math.min(idleMs, lane.nextRoomInMs(now) ?? idleMs)
    }
    if (asking.length === 0) return idleMs
    const claimed = await this.#claim(asking.map(({ want }) => want))
    for (const { lane, want } of asking) {
      const given = claimed?.deliveries.filter(({ hook }) => hook === want.hook).length ?? want.limit
      lane.endClaim(want.limit, given)
    }
    if (claimed === null) return POLL_INTERVAL_MS
    for (const delivery of claimed.deliveries) this.#hold({ delivery, startBy: now + MAX_HELD_MS })
    const hasMore = asking.some(({ lane }) => !lane.isCaughtUp && lane.room(performance.now()) > 0)
    return hasMore ? 0 : Math.min(idleMs, claimed.nextDueInMs ?? idleMs)
  }

  /** `null` where the store cannot say. */
  async #claim(wants: readonly ClaimWant[]): Promise<ClaimResult | null> {
    try {
      return await this.#options.store.claim(wants)
    } catch (error) {
      this.#options.log.error({ err: error }, 'deliveries could not be claimed')
      return null
    }
  }

  #begin(lane: Lane, delivery: ClaimedDelivery): void {
    const { hook } = lane
    const attempt = lane.begin(delivery, performance.now())
    this.#inFlight.add(attempt)
    void attempt.outcome.then((outcome) => {
      this.#inFlight.delete(attempt)
      if (lane.end(outcome, performance.now())) this.#report.opened(hook)
      this.#end(hook, delivery, outcome)
      this.#beginHeld(lane)
      // Where nothing waits, a place that has become free is of no use; in order, a delivery that has ended is.
      if (outcome.kind !== 'delivered' || !lane.isCaughtUp || hook.ordering === 'credential') this.wake()
      this.#ifIdle()
    })
  }

  /** Begins what has been leased, or keeps it until a place is free. */
  #hold(held: Held): void {
    const lane = this.#lanes.get(held.delivery.hook)
    // Leased while its hook was taken out of the configuration: put back for when it is named again.
    if (lane === undefined) return this.#putBack(held.delivery)
    lane.hold(held)
    this.#beginHeld(lane)
  }

  /** What finds no place where it cannot be held is put back: after too long, behind a breaker, when the relay stops. */
  #beginHeld(lane: Lane): void {
    const now = performance.now()
    for (const late of lane.takeLate(now)) this.#putBack(late)
    for (;;) {
      const delivery = lane.takeHeld(now)
      if (delivery === null) break
      this.#begin(lane, delivery)
    }
    if (this.#stopping || lane.breaker !== 'closed') this.#putBackHeld(lane)
  }

  #putBackHeld(lane: Lane): void {
    for (const delivery of lane.takeAllHeld()) this.#putBack(delivery)
  }

  #ifIdle(): void {
    if (this.#inFlight.size === 0 && this.#places === 0) this.#onIdle?.()
  }

  #putBack({ eventSeq, hook, leaseToken, failures }: ClaimedDelivery): void {
    const record = { durationMs: 0, status: null, errorCode: 'interrupted', answer: null }
    const next = { state: 'pending', delayMs: 0, failures } as const
    this.#settler.add({ eventSeq, hook, leaseToken, record, next })
  }

  #end(hook: Hook, delivery: ClaimedDelivery, outcome: Outcome): void {
    const ageMs = delivery.ageMs + outcome.record.durationMs
    const next = nextState(
      outcome,
      { failures: delivery.failures, ageMs },
      hook.retry,
      this.#options.random(),
    )
    const { eventSeq, leaseToken } = delivery
    this.#settler.add({ eventSeq, hook: hook.name, leaseToken, record: outcome.record, next })
    this.#report.attempted(delivery, outcome, next)
  }

  /** What was put back is due at a time that no claim has told yet; in order, what ended was holding the next one. */
  #wakeAfter(lot: readonly Settlement[]): void {
    const mayMakeDue = ({ hook, next }: Settlement) =>
      next.state === 'pending' || this.#lanes.get(hook)?.hook.ordering === 'credential'
    if (lot.some(mayMakeDue)) this.wake()
  }
}
