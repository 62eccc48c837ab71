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

  /** How many deliveries may be claimed for it. @param now milliseconds on a clock that does not jump */
  room(now: number): number {
    const atOnce = Math.min(this.#hook.concurrency, allowanceOf(this.#breaker, now)) - this.#inFlight
    return Math.max(0, Math.min(atOnce, this.#starts?.room(now) ?? atOnce))
  }

  /** Until there is room again without anything ending, in milliseconds; `null` if only that makes room. */
  nextRoomInMs(now: number): number | null {
    if (this.#breaker.state === 'open' && now < this.#breaker.probeAt) return this.#breaker.probeAt - now
    const atOnce = Math.min(this.#hook.concurrency, allowanceOf(this.#breaker, now)) - this.#inFlight
    return atOnce > 0 && this.#starts !== null ? this.#starts.nextInMs(now) : null
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
  }

  /** Closes the connections once what is in flight has ended. */
  async drain(): Promise<void> {
    await this.#client.drain()
  }

  /** Closes the connections, those in use too. */
  async close(): Promise<void> {
    await this.#client.close()
  }
}

function startWindowOf({ maxPerSecond }: Hook): StartWindow | null {
  return maxPerSecond === 0 ? null : new StartWindow(maxPerSecond)
}
