import type { Hook } from '../config/hook.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ClaimWant, ClaimedDelivery, NextState, Store } from '../store/store.ts'
import { HookClient } from './hook-client.ts'
import type { Attempt } from './hook-client.ts'
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
 * The rules are in next-state.ts; the store only keeps the state.
 */

export interface EngineOptions {
  store: Store
  hooks: readonly Hook[]
  log: Logger
  metrics: Metrics
  /** The jitter's source, a number from 0 up to 1. */
  random: () => number
}

/** Without any wake-up, what is due is looked for this often. */
const POLL_INTERVAL_MS = 1000
/** A lease outlasts the attempt by this, for its outcome to be written even by a store that is slow. */
const LEASE_MARGIN_MS = 30_000

/** One hook's share of the engine. */
interface Lane {
  hook: Hook
  client: HookClient
  inFlight: number
}

/** Delivers at least once what the store holds. */
export class DeliveryEngine {
  readonly #options: EngineOptions
  readonly #lanes: Lane[]
  readonly #settler: Settler
  readonly #inFlight = new Set<Attempt>()
  #onIdle: (() => void) | null = null
  #woken = false
  #endSleep: (() => void) | null = null
  #stopping = false
  #loop: Promise<void> | null = null
  #stopped: Promise<void> | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    this.#settler = new Settler({ ...options, holdMs: LEASE_MARGIN_MS })
    this.#lanes = options.hooks.map((hook) => ({ hook, client: new HookClient(hook), inFlight: 0 }))
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Says that something may be due. A hint: without it, it is found at the next poll. */
  wake(): void {
    this.#woken = true
    this.#endSleep?.()
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
      if (this.#inFlight.size === 0) resolve()
    })
    clearTimeout(interruption)
    await this.#settler.stop()
    await Promise.all(this.#lanes.map((lane) => lane.client.close()))
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
    const wants = this.#lanes.flatMap(wantOf)
    if (wants.length === 0) return POLL_INTERVAL_MS
    try {
      const { deliveries, nextDueInMs } = await this.#options.store.claim(wants)
      for (const delivery of deliveries) this.#begin(delivery)
      return Math.min(nextDueInMs ?? POLL_INTERVAL_MS, POLL_INTERVAL_MS)
    } catch (error) {
      this.#options.log.error({ err: error }, 'deliveries could not be claimed')
      return POLL_INTERVAL_MS
    }
  }

  #begin(delivery: ClaimedDelivery): void {
    const lane = this.#lanes.find(({ hook }) => hook.name === delivery.hook) as Lane
    const attempt = lane.client.send(delivery)
    lane.inFlight++
    this.#inFlight.add(attempt)
    void attempt.outcome.then((outcome) => {
      lane.inFlight--
      this.#inFlight.delete(attempt)
      this.#end(lane.hook, delivery, outcome)
      this.wake()
      if (this.#inFlight.size === 0) this.#onIdle?.()
    })
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
    this.#report(delivery, outcome, next)
  }

  #report(delivery: ClaimedDelivery, outcome: Outcome, next: NextState): void {
    const { log, metrics } = this.#options
    metrics.attempt(delivery.hook, outcome.kind, outcome.record.durationMs)
    const about = {
      webhook_id: delivery.webhookId,
      hook: delivery.hook,
      attempt: delivery.attempt,
      status: outcome.record.status,
      code: outcome.record.errorCode,
      duration_ms: outcome.record.durationMs,
    }
    switch (next.state) {
      case 'delivered':
        log.info(about, 'delivered')
        break
      case 'pending':
        log.warn({ ...about, retry_in_ms: next.delayMs }, 'delivery failed, to be tried again')
        break
      case 'dead':
        log.error(about, 'delivery given up: a dead letter')
        break
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

function wantOf({ hook, inFlight }: Lane): ClaimWant[] {
  const limit = hook.concurrency - inFlight
  return limit > 0 ? [{ hook: hook.name, limit, leaseMs: hook.timeoutMs + LEASE_MARGIN_MS }] : []
}
