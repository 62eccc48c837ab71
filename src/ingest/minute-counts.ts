import type { Clock } from '../time/clock.ts'

const MINUTE_MS = 60_000
/** Addresses that are counted at one time; beyond that the one whose minute began first is forgotten. */
const MAX_ADDRESSES = 10_000

/** Counts something for each address, in minutes that begin with the first of it and not with the clock's. */
export class MinuteCounts {
  readonly #clock: Clock
  readonly #minutes = new Map<string, { startedAt: number; count: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the count with this one */
  add(address: string): number {
    const minute = this.#current(address)
    if (minute !== null) return ++minute.count
    // Deleted first, so that the map's order is the order in which the minutes began.
    this.#minutes.delete(address)
    this.#minutes.set(address, { startedAt: this.#clock.steadyMs(), count: 1 })
    if (this.#minutes.size > MAX_ADDRESSES) this.#minutes.delete(this.#minutes.keys().next().value as string)
    return 1
  }

  of(address: string): number {
    return this.#current(address)?.count ?? 0
  }

  /** Until the count begins anew; at least 1, as `Retry-After` needs it. */
  secondsLeft(address: string): number {
    const startedAt = this.#current(address)?.startedAt ?? this.#clock.steadyMs()
    return Math.max(1, Math.ceil((startedAt + MINUTE_MS - this.#clock.steadyMs()) / 1000))
  }

  #current(address: string): { startedAt: number; count: number } | null {
    const minute = this.#minutes.get(address)
    return minute !== undefined && this.#clock.steadyMs() - minute.startedAt < MINUTE_MS ? minute : null
  }
}
