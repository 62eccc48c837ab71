import type { Hook } from '../config/hook.ts'
import type { ClaimedDelivery } from '../store/store.ts'
import { CLOSED, afterFailure, afterSuccess, allowanceOf } from './breaker.ts'
import type { Breaker } from './breaker.ts'
import { HookClient } from './hook-client.ts'
import type { Attempt } from './hook-client.ts'
import type { Outcome } from './outcome.ts'
import { StartWindow } from './start-window.ts'

/** One hook's share of the engine: what it is being sent, and how much more it has room for. */
export class Lane {
  #hook: Hook
  #client: HookClient
  #starts: StartWindow | null
  #breaker: Breaker = CLOSED
  #inFlight = 0
  /** Places that are promised: to claims under way, and to deliveries that are just being accepted. */
  #promised = 0
  /** The latest claim found no more than was asked for, and everything since has found a place. */
  #isCaughtUp = false

  constructor(hook: Hook) {
    this.#hook = hook
    this.#client = new HookClient(hook)
    this.#starts = startWindowOf(hook)
  }

  get hook(): Hook {
    return this.#hook
  }

  get breaker(): Breaker['state'] {
    return this.#breaker.state
  }

  /** How many more deliveries may be under way. @param now milliseconds on a clock that does not jump */
  room(now: number): number {
    const atOnce = this.#roomAtOnce(now)
    return Math.max(0, Math.min(atOnce, this.#starts?.room(now) ?? atOnce))
  }

  /**
   * Promises places to a claim; `endClaim` has to follow. While nothing waits, half of the room is left for what comes
   * meanwhile: otherwise that would wait for the next claim, and what comes during that one for the one after.
   */
  beginClaim(now: number): number {
    const room = this.room(now)
    const limit = this.#isCaughtUp ? Math.ceil(room / 2) : room
    // It cannot be looked what waits, so what ends has to say that there is room again.
    if (limit === 0) this.#isCaughtUp = false
    this.#promised += limit
    return limit
  }

  endClaim(limit: number, given: number): void {
    this.#promised -= limit
    this.#isCaughtUp = given < limit
  }

  /**
   * Promises a place to a delivery that is about to be accepted, if it would be the next; `givePlaceBack` has to
   * follow. Where there is an order or a rate to keep, or a breaker that is not closed, claims alone decide.
   */
  takePlace(now: number): boolean {
    const isFree = this.#hook.ordering === 'none' && this.#starts === null && this.#breaker.state === 'closed'
    if (!isFree || !this.#isCaughtUp) return false
    this.#isCaughtUp = this.room(now) > 0
    if (this.#isCaughtUp) this.#promised++
    return this.#isCaughtUp
  }

  givePlaceBack(): void {
    this.#promised--
  }

  /** Whether nothing that is due is known to wait for a place. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  /** Until there is room again without anything ending, in milliseconds; `null` if only that makes room. */
  nextRoomInMs(now: number): number | null {
    if (this.#breaker.state === 'open' && now < this.#breaker.probeAt) return this.#breaker.probeAt - now
    return this.#roomAtOnce(now) > 0 && this.#starts !== null ? this.#starts.nextInMs(now) : null
  }

  begin(delivery: ClaimedDelivery, now: number): Attempt {
    this.#inFlight++
    this.#starts?.take(now)
    return this.#client.send(delivery)
  }

  /** @returns whether the breaker has opened with this */
  end(outcome: Outcome, now: number): boolean {
    this.#inFlight--
    const before = this.#breaker.state
    switch (outcome.kind) {
      case 'delivered':
      case 'refused':
        this.#breaker = afterSuccess(this.#breaker, this.#hook.concurrency)
        break
      case 'failed':
        this.#breaker = afterFailure(this.#breaker, this.#hook.breaker, now)
        break
      case 'interrupted':
        break
    }
    return this.#breaker.state === 'open' && before !== 'open'
  }

  /** Takes changed settings over. What is in flight ends as it began and counts towards the new concurrency. */
  change(hook: Hook): void {
    void this.#client.drain()
    this.#hook = hook
    this.#client = new HookClient(hook)
    this.#starts = startWindowOf(hook)
    this.#breaker = CLOSED
    this.#isCaughtUp = false
  }

  /** Closes the connections once what is in flight has ended. */
  async drain(): Promise<void> {
    await this.#client.drain()
  }

  /** Closes the connections, those in use too. */
  async close(): Promise<void> {
    await this.#client.close()
  }

  #roomAtOnce(now: number): number {
    const allowed = Math.min(this.#hook.concurrency, allowanceOf(this.#breaker, now))
    return allowed - this.#inFlight - this.#promised
  }
}

function startWindowOf({ maxPerSecond }: Hook): StartWindow | null {
  return maxPerSecond === 0 ? null : new StartWindow(maxPerSecond)
}
