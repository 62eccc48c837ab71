import type { Hook } from '../config/hook.ts'
import type { ClaimedDelivery } from '../store/store.ts'
import { CLOSED, afterFailure, afterSuccess, allowanceOf } from './breaker.ts'
import type { Breaker } from './breaker.ts'
import { HookClient } from './hook-client.ts'
import type { Attempt } from './hook-client.ts'
import type { Outcome } from './outcome.ts'
import { StartWindow } from './start-window.ts'

/** A delivery that is leased and waits for its attempt. */
export interface Held {
  delivery: ClaimedDelivery
  /** An attempt that begins later than this may outlast the lease. Milliseconds on a clock that does not jump. */
  startBy: number
}

/** How many deliveries may be leased, for each that may be under way at one time. */
const LEASED_FOR_EACH_PLACE = 3
/** Of bodies that are held: where they are large, fewer are. Characters. */
const MAX_HELD_CHARS = 4_194_304

/** One hook's share of the engine: what it is being sent, what is held for it, and how much more it has room for. */
export class Lane {
  #hook: Hook
  #client: HookClient
  #starts: StartWindow | null
  #breaker: Breaker = CLOSED
  #inFlight = 0
  /** Places that are promised: to claims under way, and to deliveries that are just being accepted. */
  #promised = 0
  /** What has been leased and has found all places taken, in that order. */
  #held: Held[] = []
  #heldChars = 0
  /** The latest claim found less than was asked for, and everything since it began was leased as it was accepted. */
  #isCaughtUp = false
  /** Something has become due since the latest claim began, which may not have seen it. */
  #isBehind = false

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
   * meanwhile: otherwise that would wait for the next claim, and what comes during that one for the one after. But one
   * is asked for even where all places are taken: what is accepted must not forever go before what is to be tried again.
   */
  beginClaim(now: number): number {
    const room = this.room(now)
    const limit = this.#isCaughtUp ? Math.max(Math.ceil(room / 2), this.#mayHold() ? 1 : 0) : room
    // It cannot be looked what waits, so what ends has to say that there is room again.
    if (limit === 0) this.#isCaughtUp = false
    this.#isBehind = false
    this.#promised += limit
    return limit
  }

  endClaim(limit: number, given: number): void {
    this.#promised -= limit
    this.#isCaughtUp = given < limit && !this.#isBehind
  }

  /**
   * Promises a place to a delivery that is about to be accepted, or that it is held for one, if nothing else is due
   * before it; `givePlaceBack` has to follow.
   */
  takePlace(): boolean {
    this.#isCaughtUp &&= this.#mayHold() && this.#leased < LEASED_FOR_EACH_PLACE * this.#hook.concurrency
    if (this.#isCaughtUp) this.#promised++
    return this.#isCaughtUp
  }

  /** Something was accepted without a place and is on disk. */
  fallBehind(): void {
    this.#isCaughtUp = false
    this.#isBehind = true
  }

  givePlaceBack(): void {
    this.#promised--
  }

  /** Keeps a leased delivery until a place is free. */
  hold(held: Held): void {
    this.#held.push(held)
    this.#heldChars += held.delivery.body.length
  }

  /** The one that was held the longest, if it has a place now; it has to be begun. */
  takeHeld(now: number): ClaimedDelivery | null {
    return this.#inFlight < this.#allowed(now) ? this.#shiftHeld() : null
  }

  /** Those that have been held for too long, to be put back. */
  takeLate(now: number): ClaimedDelivery[] {
    const late: ClaimedDelivery[] = []
    while ((this.#held[0]?.startBy ?? now) < now) late.push(this.#shiftHeld() as ClaimedDelivery)
    return late
  }

  /** All that is held, to be put back. */
  takeAllHeld(): ClaimedDelivery[] {
    this.#heldChars = 0
    return this.#held.splice(0).map(({ delivery }) => delivery)
  }

  /** Whether nothing that is due is known to wait for a place. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  /** Whether a claim now may find room, or has to find out when there will be. Otherwise an attempt has to end first. */
  mayClaim(now: number): boolean {
    return this.#inFlight < this.#allowed(now)
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

  #shiftHeld(): ClaimedDelivery | null {
    const delivery = this.#held.shift()?.delivery ?? null
    this.#heldChars -= delivery?.body.length ?? 0
    return delivery
  }

  #roomAtOnce(now: number): number {
    return this.#allowed(now) - this.#leased
  }

  /** How many attempts may be under way at one time. */
  #allowed(now: number): number {
    return Math.min(this.#hook.concurrency, allowanceOf(this.#breaker, now))
  }

  get #leased(): number {
    return this.#inFlight + this.#promised + this.#held.length
  }

  /** Where there is an order or a rate to keep, or a breaker that is not closed, claims alone decide what is next. */
  #mayHold(): boolean {
    return (
      this.#hook.ordering === 'none' &&
      this.#starts === null &&
      this.#breaker.state === 'closed' &&
      this.#heldChars < MAX_HELD_CHARS
    )
  }
}

function startWindowOf({ maxPerSecond }: Hook): StartWindow | null {
  return maxPerSecond === 0 ? null : new StartWindow(maxPerSecond)
}
