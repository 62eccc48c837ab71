import { isDeepStrictEqual } from 'node:util'
import type { Hook } from '../config/hook.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery, Settlement, Store } from '../store/store.ts'
import type { Breaker } from './breaker.ts'
import { DeliveryReport } from './delivery-report.ts'
import type { DeliveryReportOptions } from './delivery-report.ts'
import type { Attempt } from './hook-client.ts'
import { Lane } from './lane.ts'
import { nextState } from './next-state.ts'
import type { Outcome } from './outcome.ts'
import { Settler } from './settler.ts'

/*
 *             claim              2xx
 *  pending ──────────▶ leased ──────────▶ delivered
 *    ▲  ▲               │ │ └─ 410, given up ─▶ dead
 *    │  └─ retry at t ──┘ │
 *    └──── lease expired ─┘
 *
 * The engine claims what is due, as much as each hook has room for, sends it, and settles what came of it.
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
/** A lease outlasts the attempt by this, for its outcome to be written even by a store that is slow. */
const LEASE_MARGIN_MS = 30_000

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
  #woken = false
  #endSleep: (() => void) | null = null
  #stopping = false
  #loop: Promise<void> | null = null
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
    this.#loop ??= this.#run()
  }

  /** Says that something may be due. A hint: without it, it is found at the next poll. */
  wake(): void {
    this.#woken = true
    this.#endSleep?.()
  }

  /**
   * A place at a hook for a delivery that is about to be accepted, which then needs no claim. It has to be used, with
   * the delivery or with none. `null` where it has to wait its turn.
   */
  takePlace(hook: string) {
    const lane = this.#lanes.get(hook)
    if (this.#stopping || lane?.takePlace(performance.now()) !== true) return null
    this.#places++
    const use = (delivery: ClaimedDelivery | null) => {
      lane.givePlaceBack()
      this.#places--
      if (delivery !== null) this.#begin(delivery)
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
      void lane.drain()
    }
    for (const hook of hooks) {
      const lane = this.#lanes.get(hook.name)
      if (lane === undefined) this.#lanes.set(hook.name, new Lane(hook))
      else if (!isDeepStrictEqual(lane.hook, hook)) lane.change(hook)
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
    this.wake()
    await this.#loop
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

  async #run(): Promise<void> {
    while (!this.#stopping) {
      // Cleared before the claim: what becomes due while it runs wakes the next round.
      this.#woken = false
      const idleMs = await this.#claimAndSend()
      if (!this.#woken) await this.#sleep(idleMs)
    }
  }

  /** @returns how long nothing will be due, in milliseconds */
  async #claimAndSend(): Promise<number> {
    const now = performance.now()
    const asking: { lane: Lane; want: ClaimWant }[] = []
    let idleMs = POLL_INTERVAL_MS
    for (const lane of this.#lanes.values()) {
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
    for (const delivery of claimed.deliveries) this.#begin(delivery)
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

  #begin(delivery: ClaimedDelivery): void {
    const lane = this.#lanes.get(delivery.hook)
    // Claimed while its hook was taken out of the configuration: put back for when it is named again.
    if (lane === undefined) return this.#putBack(delivery)
    const { hook } = lane
    const attempt = lane.begin(delivery, performance.now())
    this.#inFlight.add(attempt)
    void attempt.outcome.then((outcome) => {
      this.#inFlight.delete(attempt)
      if (lane.end(outcome, performance.now())) this.#report.opened(hook)
      this.#end(hook, delivery, outcome)
      // Where nothing waits, a place that has become free is of no use; in order, a delivery that has ended is.
      if (outcome.kind !== 'delivered' || !lane.isCaughtUp || hook.ordering === 'credential') this.wake()
      this.#ifIdle()
    })
  }

  #ifIdle(): void {
    if (this.#inFlight.size === 0 && this.#places === 0) this.#onIdle?.()
  }

  #putBack({ eventSeq, hook, attempt, failures }: ClaimedDelivery): void {
    const record = { durationMs: 0, status: null, errorCode: 'interrupted', answer: null }
    this.#settler.add({ eventSeq, hook, attempt, record, next: { state: 'pending', delayMs: 0, failures } })
  }

  #end(hook: Hook, delivery: ClaimedDelivery, outcome: Outcome): void {
    const ageMs = delivery.ageMs + outcome.record.durationMs
    const next = nextState(
      outcome,
      { failures: delivery.failures, ageMs },
      hook.retry,
      this.#options.random(),
    )
    const { eventSeq, attempt } = delivery
    this.#settler.add({ eventSeq, hook: hook.name, attempt, record: outcome.record, next })
    this.#report.attempted(delivery, outcome, next)
  }

  /** What was put back is due at a time that no claim has told yet; in order, what ended was holding the next one. */
  #wakeAfter(lot: readonly Settlement[]): void {
    const mayMakeDue = ({ hook, next }: Settlement) =>
      next.state === 'pending' || this.#lanes.get(hook)?.hook.ordering === 'credential'
    if (lot.some(mayMakeDue)) this.wake()
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

function wantOf(hook: Hook, limit: number): ClaimWant {
  return {
    hook: hook.name,
    limit,
    leaseMs: leaseMsOf(hook),
    ordered: hook.ordering === 'credential',
  }
}

function leaseMsOf(hook: Hook): number {
  return hook.timeoutMs + LEASE_MARGIN_MS
}
