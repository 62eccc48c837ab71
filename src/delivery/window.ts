import type { ClaimedDelivery } from '../store/store.ts'
import type { ByteBudget } from './byte-budget.ts'

/*
 * The prefetch window: everything that this process has leased for one hook, and what it has promised to lease.
 *
 *   reserve                redeem              begin               end
 *  ─────────▶  reserved  ──────────▶  waiting ───────▶  sending ───────▶  settling  ──▶ gone
 *                 │                      │                                   ▲    settled
 *                 ▼ redeem with none     └───────────────────────────────────┘
 *                gone                      giveBack: never sent, goes back to the store
 *
 *   reserve    an acceptance or a claim, before it asks the store for a lease
 *   redeem     the same one, when the store has answered
 *   begin      the engine, when the hook's concurrency, breaker and rate allow one more
 *   end        the engine, when the attempt has an outcome
 *   giveBack   the engine: waited too long, breaker not closed, settings changed, relay stopping
 *   settled    the engine, when the store has written the outcome, or has said that the lease was lost
 *
 * Only the store's answer takes a delivery out. So an outcome that cannot be written keeps its room, and the hook is
 * given less new work until it can: back pressure in place of forgotten outcomes.
 *
 * Settings have generations. A ticket from an older generation is redeemed for leases that are given back at once;
 * attempts of an older generation go on to their end and count towards the new limits.
 */

/** Room for leases that are still to come. It must be redeemed once, whatever becomes of them. */
export interface Ticket {
  readonly generation: number
  readonly epoch: number
  readonly deliveries: number
  readonly bytes: number
  /** When it was made, before the store was asked: a lease that comes of it cannot have begun earlier. Steady milliseconds. */
  readonly at: number
}

/** One delivery that this process has leased. */
export interface Lease {
  /** Replaced when the store leases the same delivery to this process again. */
  delivery: ClaimedDelivery
  readonly bytes: number
  /** Not later than the lease began. Steady milliseconds. */
  leasedAt: number
  state: 'waiting' | 'sending' | 'settling'
}

/** What a window may hold. */
export interface WindowLimits {
  /** Attempts under way at one time. */
  sending: number
  /** Deliveries in all four states. */
  deliveries: number
  /** Of these, reserved, waiting and sending ones. */
  unended: number
  /** Bytes of their bodies. One delivery is let in whatever its size. */
  bytes: number
}

const CLOSED: WindowLimits = { sending: 0, deliveries: 0, unended: 0, bytes: 0 }

export class Window {
  readonly #leases = new Map<number, Lease>()
  /** The leases that are waiting, oldest first. */
  #queue: Lease[] = []
  readonly #counts = { waiting: 0, sending: 0, settling: 0 }
  #reserved = 0
  #bytes = 0
  readonly #budget: ByteBudget
  #limits = CLOSED
  #generation = 0
  /** Raised whenever a delivery becomes due that has no reservation here. */
  #epoch = 0
  #caughtUpIn = -1

  /** @param budget shared by the windows of all hooks */
  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  get waiting(): number {
    return this.#counts.waiting
  }

  get sending(): number {
    return this.#counts.sending
  }

  get isEmpty(): boolean {
    return this.#reserved + this.#leases.size === 0
  }

  /** Whether there is no room for any lease until the store has answered for one. */
  get isFull(): boolean {
    return this.#roomInDeliveries < 1 || !this.#hasRoomInBytes
  }

  /** Bytes of bodies, reserved ones included. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Whether the store is known to hold nothing due for this hook besides what is leased here: the latest claim was
   * given less than it asked for, and nothing has become due without a reservation since that claim began.
   */
  get isCaughtUp(): boolean {
    return this.#caughtUpIn === this.#epoch
  }

  /** Something is due in the store that no reservation here stands for. */
  becameDue(): void {
    this.#epoch++
  }

  /**
   * Reserves room for a delivery that is about to be accepted, so that it needs no claim. `null` if something else may
   * be due before it, or the window is full: then the delivery waits its turn in the store.
   * @param now steady milliseconds, as in all methods
   */
  reserve(bytes: number, now: number): Ticket | null {
    const fits = this.#roomInDeliveries > 0 && (bytes <= this.#roomInBytes || this.isEmpty)
    return this.isCaughtUp && fits ? this.#reserve(1, bytes, now) : null
  }

  /**
   * Reserves room for a claim; `null` if there is none. While nothing else is due, a claim takes only half of the
   * room, so that acceptances in the meantime find the other half.
   * @param startable how many more attempts may begin now
   * @param atLeast asked for even if no attempt may begin now
   */
  reserveClaim(startable: number, atLeast: number, now: number): Ticket | null {
    const unfilled = this.#unfilled(startable)
    const wanted = this.isCaughtUp ? Math.max(Math.ceil(unfilled / 2), atLeast) : unfilled
    const deliveries = Math.min(wanted, this.#roomInDeliveries)
    const bytes = this.isCaughtUp ? Math.ceil(this.#roomInBytes / 2) : this.#roomInBytes
    if (deliveries < 1 || this.isFull) {
      // Without a claim it is not known whether anything is due. Assume it: then the next room is claimed for.
      this.becameDue()
      return null
    }
    return this.#reserve(deliveries, Math.max(1, bytes), now)
  }

  /** Whether a claim now could ask for deliveries whose attempts may begin at once. */
  hasRoom(startable: number): boolean {
    return this.#unfilled(startable) > 0 && !this.isFull
  }

  /**
   * Turns a ticket into the leases that the store gave for it, none if it gave none.
   * @returns those that must be given back, because the settings have changed since the reservation
   */
  redeem(ticket: Ticket, deliveries: readonly ClaimedDelivery[]): Lease[] {
    this.#reserved -= ticket.deliveries
    this.#useBytes(-ticket.bytes)
    const outdated: Lease[] = []
    for (const delivery of deliveries) {
      const known = this.#leases.get(delivery.eventSeq)
      if (known !== undefined) {
        renew(known, delivery, ticket.at)
        continue
      }
      const isOutdated = ticket.generation !== this.#generation
      const lease = this.#add(delivery, ticket.at, isOutdated ? 'settling' : 'waiting')
      if (isOutdated) outdated.push(lease)
      else this.#queue.push(lease)
    }
    return outdated
  }

  /** A claim was given less than it asked for, so when it began nothing else was due. */
  claimWasShort(ticket: Ticket): void {
    this.#caughtUpIn = ticket.epoch
  }

  /** The oldest that waits, which the caller must send now; `null` if none waits or no more may be under way. */
  begin(): Lease | null {
    if (this.#counts.sending >= this.#limits.sending) return null
    const lease = this.#queue.shift() ?? null
    if (lease !== null) this.#move(lease, 'sending')
    return lease
  }

  /** The attempt has its outcome, which is now to be written. */
  end(lease: Lease): void {
    this.#move(lease, 'settling')
  }

  /** Takes those that wait and match out of the queue, to be put back in the store unsent. */
  giveBack(matches: (lease: Lease) => boolean): Lease[] {
    const given: Lease[] = []
    const kept: Lease[] = []
    for (const lease of this.#queue) (matches(lease) ? given : kept).push(lease)
    this.#queue = kept
    for (const lease of given) this.#move(lease, 'settling')
    return given
  }

  /** The store has answered for this lease. */
  settled(lease: Lease): void {
    if (!this.#leases.delete(lease.delivery.eventSeq)) return
    this.#counts[lease.state]--
    this.#useBytes(-lease.bytes)
  }

  /** Other settings hold from now on; `null` if the hook is removed. @returns all that waited, to be given back */
  changeSettings(limits: WindowLimits | null): Lease[] {
    this.#limits = limits ?? CLOSED
    this.#generation++
    this.becameDue()
    return this.giveBack(() => true)
  }

  /** Other limits under the same settings. What is leased beyond them goes on. */
  changeLimits(limits: WindowLimits): void {
    this.#limits = limits
  }

  /** How many attempts may begin now for which nothing is leased yet. */
  #unfilled(startable: number): number {
    return startable - this.#reserved - this.#counts.waiting
  }

  get #roomInDeliveries(): number {
    const { waiting, sending } = this.#counts
    const unended = this.#reserved + waiting + sending
    return Math.min(
      this.#limits.deliveries - this.#reserved - this.#leases.size,
      this.#limits.unended - unended,
    )
  }

  get #roomInBytes(): number {
    return Math.min(this.#limits.bytes - this.#bytes, this.#budget.freeBytes)
  }

  get #hasRoomInBytes(): boolean {
    return this.#roomInBytes > 0 || this.isEmpty
  }

  #reserve(deliveries: number, bytes: number, now: number): Ticket {
    this.#reserved += deliveries
    this.#useBytes(bytes)
    return { generation: this.#generation, epoch: this.#epoch, deliveries, bytes, at: now }
  }

  #add(delivery: ClaimedDelivery, leasedAt: number, state: Lease['state']): Lease {
    const lease = { delivery, bytes: Buffer.byteLength(delivery.body), leasedAt, state }
    this.#leases.set(delivery.eventSeq, lease)
    this.#counts[state]++
    this.#useBytes(lease.bytes)
    return lease
  }

  #move(lease: Lease, to: Lease['state']): void {
    this.#counts[lease.state]--
    lease.state = to
    this.#counts[to]++
  }

  #useBytes(bytes: number): void {
    this.#bytes += bytes
    this.#budget.use(bytes)
  }
}

/**
 * The store has leased again to this process what it already has: the old lease ran out before its outcome could be
 * written. Nobody else has it, so it is not sent again; what is under way is settled under the new lease.
 */
function renew(lease: Lease, delivery: ClaimedDelivery, leasedAt: number): void {
  lease.delivery = delivery
  lease.leasedAt = leasedAt
}
