import type { Hook } from '../config/hook.ts'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { CLOSED, afterFailure, afterSuccess, allowanceOf } from './breaker.ts'
import type { Breaker } from './breaker.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Exchange } from './exchange.ts'
import { HookClient } from './hook-client.ts'
import { leaseMsOf } from './lease.ts'
import type { Outcome } from './outcome.ts'
import { StartWindow } from './start-window.ts'
import { Window } from './window.ts'
import type { Lease, Ticket, WindowLimits } from './window.ts'

/** How many deliveries one process may have leased for a hook, as a multiple of the hook's concurrency. */
const LEASES_FOR_EACH_SLOT = 3
/** And how many bytes of their bodies. */
const MAX_BYTES = 16_777_216

/** A claim to be made: what to ask the store for, and the room that is reserved for the answer. */
export interface PlannedClaim {
  want: ClaimWant
  ticket: Ticket
}

/** An attempt that has begun, under these settings. */
export interface StartedAttempt {
  hook: Hook
  lease: Lease
  exchange: Exchange
}

/**
 * One hook: its prefetch window, its client, its breaker and its rate. The lane decides how many attempts may begin
 * and how much may be leased; it never wakes anybody and never asks the store.
 *
 * A lane outlives changed settings, and for a while a removed hook too: attempts that are still under way count
 * towards the limits of the settings that come next.
 */
export class Lane {
  readonly window: Window
  readonly #clock: Clock
  /** `null`: the hook is not configured any more. */
  #current: { hook: Hook; client: HookClient } | null = null
  readonly #draining = new Set<HookClient>()
  #starts: StartWindow | null = null
  #breaker: Breaker = CLOSED
  #isShared = false
  #isPaused = false
  /** When a pause ended that this process has seen. Steady milliseconds. */
  #resumedAt = Number.NEGATIVE_INFINITY
  /** The receiver asked for no request before this (`Retry-After`). Steady milliseconds. */
  #notBefore = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, budget: ByteBudget) {
    this.#clock = clock
    this.window = new Window(budget)
  }

  get hook(): Hook | null {
    return this.#current?.hook ?? null
  }

  get breaker(): Breaker['state'] {
    return this.#breaker.state
  }

  /**
   * Takes settings over, `null` for a hook that is left out. Attempts under way end as they began.
   * @returns the leases that waited, to be given back
   */
  configure(hook: Hook | null): Lease[] {
    if (this.#current !== null) this.#drain(this.#current.client)
    this.#current = hook === null ? null : { hook, client: new HookClient(hook, this.#clock) }
    if (hook !== null) this.#starts = startWindowOf(hook, this.#starts)
    this.#breaker = CLOSED
    this.#notBefore = Number.NEGATIVE_INFINITY
    return this.window.changeSettings(hook === null ? null : limitsOf(hook, this.#isShared))
  }

  /** While other replicas live, nothing is leased beyond the free slots: one of the others may have a free one. */
  share(isShared: boolean): void {
    if (isShared === this.#isShared) return
    this.#isShared = isShared
    if (this.hook !== null) this.window.changeLimits(limitsOf(this.hook, isShared))
  }

  /** While a person has paused the hook, no attempt begins and nothing waits here. Attempts under way end as they began. */
  pause(isPaused: boolean): void {
    if (this.#isPaused && !isPaused) this.#resumedAt = this.#clock.steadyMs()
    this.#isPaused = isPaused
  }

  /** How long ago the last pause ended, in milliseconds; `Infinity` if this process has seen none end. */
  resumedForMs(now: number): number {
    return now - this.#resumedAt
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether nothing of the hook is left here that settings named later would have to know. */
  get isForgettable(): boolean {
    const lastStartCounts = this.#starts !== null && this.#starts.nextInMs(this.#clock.steadyMs()) > 0
    return this.#current === null && this.window.isEmpty && !lastStartCounts
  }

  /** Whether one more attempt may begin now: asks the concurrency, the breaker and the rate. */
  canStart(now: number): boolean {
    return this.#startable(now) > 0
  }

  /** Until one more may begin without anything ending, in milliseconds; `null` if only an end makes room. */
  nextStartInMs(now: number): number | null {
    const breaker = this.#breaker
    if (this.#current === null || this.#isPaused) return null
    if (now < this.#notBefore) return this.#notBefore - now
    if (breaker.state === 'open' && now < breaker.probeAt) return breaker.probeAt - now
    return this.#free(now) > 0 && this.#starts !== null ? this.#starts.nextInMs(now) : null
  }

  /** Begins the attempt of the lease that has waited longest; `null` if none waits or none may begin. */
  start(now: number): StartedAttempt | null {
    if (this.#current === null || !this.canStart(now)) return null
    const lease = this.window.begin()
    if (lease === null) return null
    this.#starts?.take(now)
    const { hook, client } = this.#current
    return { hook, lease, exchange: client.send(lease.delivery) }
  }

  /** Whether leased deliveries may wait here for a free slot. Otherwise the store decides which goes next. */
  mayWait(now: number): boolean {
    return !this.#isPaused && this.#breaker.state === 'closed' && now >= this.#notBefore
  }

  /**
   * Takes in what came of an attempt: for the breaker, and for a receiver that asked to be left alone for a while.
   * @param hook the settings under which it was sent: an attempt under older ones says nothing of those of today
   * @returns whether the breaker has opened with this
   */
  ended(hook: Hook, outcome: Outcome, now: number): boolean {
    if (hook !== this.hook) return false
    const before = this.#breaker.state
    switch (outcome.kind) {
      case 'delivered':
      case 'refused':
        this.#breaker = afterSuccess(this.#breaker, hook.concurrency)
        break
      case 'failed':
        this.#breaker = afterFailure(this.#breaker, hook.breaker, now)
        if (outcome.retryAfterMs !== null) {
          const waitMs = Math.min(outcome.retryAfterMs, hook.retry.maxDelayMs)
          this.#notBefore = Math.max(this.#notBefore, now + waitMs)
        }
        break
      case 'interrupted':
        break
    }
    return this.#breaker.state === 'open' && before !== 'open'
  }

  /** Reserves room for a delivery that is about to be accepted; `null` if it must wait its turn in the store. */
  reserve(bytes: number, now: number): Ticket | null {
    return this.#mayPrefetch(now) ? this.window.reserve(bytes, now) : null
  }

  /**
   * Plans a claim of as much as there is room for; `null` if there is none. A hook that may prefetch asks for one even
   * if no attempt could begin now: accepted deliveries must not for ever go before a retry that is due.
   */
  planClaim(now: number): PlannedClaim | null {
    const hook = this.hook
    if (hook === null) return null
    const ticket = this.window.reserveClaim(this.#startable(now), this.#mayPrefetch(now) ? 1 : 0, now)
    if (ticket === null) return null
    const { deliveries: limit, bytes: maxBytes } = ticket
    const ordered = hook.ordering === 'credential'
    return { ticket, want: { hook: hook.name, limit, maxBytes, leaseMs: leaseMsOf(hook), ordered } }
  }

  /** Takes from the store's answer what this claim was given. @param result `null` if the store could not answer */
  answerClaim({ want, ticket }: PlannedClaim, result: ClaimResult | null): ClaimedDelivery[] {
    const given = result?.deliveries.filter(({ hook }) => hook === want.hook) ?? []
    const wasAnswered = result !== null && result.failedHooks?.includes(want.hook) !== true
    const bytes = given.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
    if (wasAnswered && given.length < want.limit && bytes < want.maxBytes) this.window.claimWasShort(ticket)
    return given
  }

  /** Whether a claim now could ask for deliveries whose attempts may begin at once. */
  hasRoom(now: number): boolean {
    return this.window.hasRoom(this.#startable(now))
  }

  /** Closes the connections, those in use too. */
  async close(): Promise<void> {
    if (this.#current !== null) this.#drain(this.#current.client)
    await Promise.all([...this.#draining].map((client) => client.close()))
  }

  #drain(client: HookClient): void {
    this.#draining.add(client)
    void client.drain().finally(() => this.#draining.delete(client))
  }

  /** How many more attempts may begin now. */
  #startable(now: number): number {
    const free = this.#free(now)
    return Math.min(free, this.#starts?.room(now) ?? free)
  }

  /** The same by concurrency and breaker alone. */
  #free(now: number): number {
    if (this.#current === null || this.#isPaused || now < this.#notBefore) return 0
    const { concurrency } = this.#current.hook
    return Math.max(0, Math.min(concurrency, allowanceOf(this.#breaker, now)) - this.window.sending)
  }

  /** With an order or a rate to keep, or a receiver in trouble, only the store decides which goes next. */
  #mayPrefetch(now: number): boolean {
    return this.#current?.hook.ordering === 'none' && this.#starts === null && this.mayWait(now)
  }
}

function limitsOf({ concurrency }: Hook, isShared: boolean): WindowLimits {
  const deliveries = LEASES_FOR_EACH_SLOT * concurrency
  const unended = isShared ? concurrency : deliveries
  return { sending: concurrency, deliveries, unended, bytes: MAX_BYTES }
}

function startWindowOf({ maxPerSecond }: Hook, before: StartWindow | null): StartWindow | null {
  return maxPerSecond === 0 ? null : new StartWindow(maxPerSecond, before)
}
