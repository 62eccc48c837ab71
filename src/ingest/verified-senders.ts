/** An address counts as a sender's for this long after a webhook from it was verified. */
const TRUST_MS = 3_600_000
/** Far more addresses than senders have. Bounds the memory. */
const MAX_ADDRESSES = 10_000

/** Remembers from which addresses verified webhooks came lately. */
export class VerifiedSenders {
  readonly #verifiedAt = new Map<string, number>()

  /** @param now milliseconds on a clock that does not jump */
  add(address: string, now: number): void {
    // Deleted first, so that the map is in the order of the last webhooks, and its first entry is the oldest.
    this.#verifiedAt.delete(address)
    this.#verifiedAt.set(address, now)
    if (this.#verifiedAt.size > MAX_ADDRESSES)
      this.#verifiedAt.delete(this.#verifiedAt.keys().next().value as string)
  }

  has(address: string, now: number): boolean {
    const at = this.#verifiedAt.get(address)
    return at !== undefined && now - at <= TRUST_MS
  }
}
