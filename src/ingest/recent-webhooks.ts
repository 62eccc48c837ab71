/** A webhook that was refused. */
export interface Refused {
  /** Wall clock, milliseconds since 1970. */
  at: number
  /** The code of the problem that it was answered. */
  code: string
  address: string
  /** Verified webhooks came from this address within the last hour. */
  isKnownSender: boolean
}

/** So many of the newest ones are kept: enough to see what is wrong, whatever a flood brings. */
const KEPT = 200

/** Remembers when a verified webhook came last, and what was refused lately. Keeps no body and no header. */
export class RecentWebhooks {
  #lastVerifiedAt: number | null = null
  #refused: Refused[] = []
  #refusedTotal = 0

  /** @param at wall clock, milliseconds since 1970 */
  verified(at: number): void {
    this.#lastVerifiedAt = at
  }

  refused(refused: Refused): void {
    this.#refusedTotal++
    this.#refused.push(refused)
    // Cut now and then and not each time, because that moves all of them.
    if (this.#refused.length >= 2 * KEPT) this.#refused = this.#refused.slice(-KEPT)
  }

  /** Wall clock, milliseconds since 1970; `null`: none since the process started. */
  get lastVerifiedAt(): number | null {
    return this.#lastVerifiedAt
  }

  /** Since the process started. */
  get refusedTotal(): number {
    return this.#refusedTotal
  }

  /** Newest first, at most 200. */
  refusals(): Refused[] {
    return this.#refused.slice(-KEPT).toReversed()
  }
}
