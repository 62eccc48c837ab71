import type { NextState, SettleResult, Settlement } from '../store/store.ts'
import type { Outcome } from './outcome.ts'
import type { Unsettled } from './settler.ts'
import type { Lease } from './window.ts'

/** How a lease ends: on its way into the store, until the store has said yes or no. */
export class LeaseEnd implements Unsettled {
  readonly #lease: Lease
  readonly #next: NextState
  readonly #outcome: Outcome | null
  readonly #onAnswered: (result: SettleResult) => void
  #isRecorded = false

  /**
   * @param outcome `null` for a delivery that was never sent
   * @param onAnswered called once, when the store has said yes or no
   */
  constructor(
    lease: Lease,
    next: NextState,
    outcome: Outcome | null,
    onAnswered: (result: SettleResult) => void,
  ) {
    this.#lease = lease
    this.#next = next
    this.#outcome = outcome
    this.#onAnswered = onAnswered
  }

  settlement(): Settlement {
    const { eventSeq, hook, leaseToken } = this.#lease.delivery
    const record = this.#isRecorded ? null : (this.#outcome?.record ?? null)
    return { eventSeq, hook, leaseToken, record, next: this.#next }
  }

  answered(result: SettleResult, { leaseToken }: Settlement): boolean {
    if (result === 'lease_lost' && this.#lease.delivery.leaseToken !== leaseToken) {
      // Leased to this process again in the meantime. The attempt is in the history by now; the state is not written.
      this.#isRecorded = true
      return true
    }
    this.#onAnswered(result)
    return false
  }
}
