import type { Clock } from '../../time/clock.ts'

/** A transaction that makes a delivery due nearly always commits sooner than this after it read the clock. */
const MARGIN_MS = 10_000
/** How often a claim looks from the beginning all the same: some transactions take longer, and clocks are set. */
const FULL_LOOK_MS = 15_000

/**
 * From which due time on claims look for due deliveries.
 *
 * The index of due deliveries keeps an entry for each settled one until a vacuum removes it, and while any transaction is
 * open, such as a dump or a forgotten session, no vacuum does. A claim that began at the oldest entry would read all of
 * them. So it begins where the claim before it stopped, less a margin.
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
   * @param upTo every delivery that was due before then has been leased, here or elsewhere: milliseconds since 1970 by
   *   the database's clock, or `null` if that is not known
   */
  looked(hook: string, from: number | null, upTo: number | null): void {
    if (upTo === null) return
    const fullLookAt =
      (from !== null && this.#hooks.get(hook)?.fullLookAt) || this.#clock.steadyMs() + FULL_LOOK_MS
    this.#hooks.set(hook, { floor: upTo - MARGIN_MS, fullLookAt })
  }
}
