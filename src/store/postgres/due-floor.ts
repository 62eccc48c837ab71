import type { Clock } from '../../time/clock.ts'

/** A transaction that makes something due takes less than this from its clock reading to its commit; nearly always. */
const MARGIN_MS = 10_000
/** How often it is looked from the beginning all the same: for transactions that took longer, and for clocks. */
const FULL_LOOK_MS = 15_000

/**
 * From where on claims look for what is due.
 *
 * The index of what is due still has an entry for each delivery that has been settled, until a vacuum clears it away;
 * and while any transaction is open, a dump or a forgotten session, none does. A claim that read from the oldest entry
 * on would read all of them. So it begins where the one before had come to, less a margin.
 */
export class DueFloor {
  readonly #clock: Clock
  readonly #hooks = new Map<string, { floor: number; fullLookAt: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For the next claim of the hook: milliseconds since 1970, or `null` for the beginning. */
  of(hook: string): number | null {
    const known = this.#hooks.get(hook)
    return known === undefined || this.#clock.steadyMs() >= known.fullLookAt ? null : known.floor
  }

  /**
   * @param from what `of` said before the claim
   * @param upTo all that had become due before then was given or is in other hands: milliseconds since 1970 by the
   *   database's clock, `null` if it cannot be told
   */
  looked(hook: string, from: number | null, upTo: number | null): void {
    if (upTo === null) return
    const fullLookAt =
      (from !== null && this.#hooks.get(hook)?.fullLookAt) || this.#clock.steadyMs() + FULL_LOOK_MS
    this.#hooks.set(hook, { floor: upTo - MARGIN_MS, fullLookAt })
  }
}
