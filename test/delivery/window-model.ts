import assert from 'node:assert/strict'
import { ByteBudget } from '../../src/delivery/byte-budget.ts'
import { Window } from '../../src/delivery/window.ts'
import type { Lease, Ticket, WindowLimits } from '../../src/delivery/window.ts'
import type { ClaimedDelivery } from '../../src/store/store.ts'

export const NOW = 1000
export const LIMITS: WindowLimits = { sending: 2, deliveries: 6, unended: 6, bytes: 1000 }
const BUDGET_BYTES = 2000

/** One thing that can happen, to the entry of that index where there are several. */
export type Step =
  | { do: 'accept'; bytes: number }
  | { do: 'commit'; which: number; stored: boolean }
  | { do: 'claim' }
  | { do: 'answer'; upTo: number }
  | { do: 'begin' }
  | { do: 'end'; which: number; delivered: boolean }
  | { do: 'write'; which: number }
  | { do: 'runOut'; which: number }
  | { do: 'reload'; sending: number }
  | { do: 'giveBack' }

interface StoredDelivery {
  state: 'due' | 'leased' | 'delivered'
  token: number
  bytes: number
  /** An attempt was sent whose outcome the store does not have yet. */
  isOut: boolean
  /** Under which settings the latest lease was asked for. */
  settings: number
}

/** A store that leases, an engine that obeys the window, and nothing else. */
export class WindowModel {
  readonly #budget = new ByteBudget(BUDGET_BYTES)
  readonly #window = new Window(this.#budget)
  #limits = LIMITS
  readonly #store = new Map<number, StoredDelivery>()
  readonly #accepting: { ticket: Ticket | null; bytes: number; settings: number }[] = []
  #claim: { ticket: Ticket; settings: number; seen: number[] } | null = null
  readonly #sending: Lease[] = []
  readonly #unwritten: { lease: Lease; delivered: boolean }[] = []
  #lastSeq = 0
  #settings = 0

  constructor() {
    this.#window.changeSettings(LIMITS)
  }

  /** @throws {AssertionError} if the window lets something happen that must not */
  take(step: Step): void {
    this.#take(step)
    this.#check()
  }

  #take(step: Step): void {
    switch (step.do) {
      case 'accept':
        this.#accepting.push({
          ticket: this.#window.reserve(step.bytes, NOW),
          bytes: step.bytes,
          settings: this.#settings,
        })
        break
      case 'commit':
        this.#commit(step.which, step.stored)
        break
      case 'claim':
        this.#startClaim()
        break
      case 'answer':
        this.#answer(step.upTo)
        break
      case 'begin':
        while (this.#begin());
        break
      case 'end':
        this.#end(step.which, step.delivered)
        break
      case 'write':
        this.#write(step.which)
        break
      case 'runOut':
        this.#runOut(step.which)
        break
      case 'reload':
        this.#limits = {
          sending: step.sending,
          deliveries: 3 * step.sending,
          unended: 3 * step.sending,
          bytes: 1000,
        }
        this.#settings++
        this.#putBack(this.#window.changeSettings(this.#limits))
        break
      case 'giveBack':
        this.#putBack(this.#window.giveBack(() => true))
        break
    }
  }

  #check(): void {
    const due = [...this.#store.values()].filter(({ state }) => state === 'due')
    // Leases that ran out are still known here; the window renews them if they are claimed.
    if (this.#window.isCaughtUp)
      assert.deepEqual(
        due.filter(({ isOut }) => !isOut),
        [],
      )
    assert.equal(this.#window.sending, this.#sending.length)
  }

  /** Lets everything end. @returns what is left over, which must be nothing */
  finish(): { undelivered: number; leases: number; bytes: number } {
    while (this.#accepting.length > 0) this.#commit(0, true)
    this.#answer(4)
    for (let left = 1; left > 0;) {
      while (this.#begin()) this.#end(0, true)
      while (this.#sending.length > 0) this.#end(0, true)
      while (this.#unwritten.length > 0) this.#write(0)
      this.take({ do: 'claim' })
      this.#answer(4)
      left = [...this.#store.values()].filter(({ state }) => state !== 'delivered').length
    }
    while (this.#unwritten.length > 0) this.#write(0)
    const undelivered = [...this.#store.values()].filter(({ state }) => state !== 'delivered').length
    const leases = this.#window.isEmpty ? 0 : 1
    return { undelivered, leases, bytes: BUDGET_BYTES - this.#budget.freeBytes + this.#window.bytes }
  }

  #commit(which: number, stored: boolean): void {
    const [accepting] = this.#accepting.splice(which % Math.max(1, this.#accepting.length), 1)
    if (accepting === undefined) return
    const { ticket, bytes, settings } = accepting
    if (stored) {
      const seq = ++this.#lastSeq
      this.#store.set(seq, {
        state: ticket === null ? 'due' : 'leased',
        token: 1,
        bytes,
        isOut: false,
        settings,
      })
      if (ticket === null) this.#window.becameDue()
      else this.#putBack(this.#window.redeem(ticket, [delivery(seq, bytes)]))
    } else if (ticket !== null) this.#window.redeem(ticket, [])
  }

  #startClaim(): void {
    if (this.#claim !== null) return
    const ticket = this.#window.reserveClaim(this.#limits.sending - this.#sending.length, 1, NOW)
    // The store may look at once: what becomes due while the answer is on its way is not in it.
    if (ticket !== null) this.#claim = { ticket, settings: this.#settings, seen: this.#dueSeqs() }
  }

  #answer(upTo: number): void {
    if (this.#claim === null) return
    const { ticket, settings, seen } = this.#claim
    this.#claim = null
    const due = [...this.#store].filter(([seq, { state }]) => state === 'due' && seen.includes(seq))
    // A store may have less than it holds to give (another replica takes some), but then it must not call that all.
    const given = due.slice(0, Math.min(ticket.deliveries, Math.max(upTo, 1)))
    for (const [, one] of given) Object.assign(one, { state: 'leased', token: one.token + 1, settings })
    if (given.length === due.length && given.length < ticket.deliveries) this.#window.claimWasShort(ticket)
    const claimed = given.map(([seq, { token, bytes }]) => ({ ...delivery(seq, bytes), leaseToken: token }))
    this.#putBack(this.#window.redeem(ticket, claimed))
  }

  #begin(): boolean {
    const lease = this.#window.begin()
    if (lease === null) return false
    const stored = this.#stored(lease)
    const token = lease.delivery.leaseToken
    const expected = { state: 'leased', token, bytes: stored.bytes, isOut: false, settings: this.#settings }
    assert.deepEqual(stored, expected)
    stored.isOut = true
    this.#sending.push(lease)
    assert.ok(this.#sending.length <= this.#limits.sending, 'more are under way than may be')
    return true
  }

  #end(which: number, delivered: boolean): void {
    const [lease] = this.#sending.splice(which % Math.max(1, this.#sending.length), 1)
    if (lease === undefined) return
    this.#window.end(lease)
    this.#unwritten.push({ lease, delivered })
  }

  #write(which: number): void {
    const [outcome] = this.#unwritten.splice(which % Math.max(1, this.#unwritten.length), 1)
    if (outcome === undefined) return
    const { lease, delivered } = outcome
    const stored = this.#stored(lease)
    if (stored.token === lease.delivery.leaseToken) stored.state = delivered ? 'delivered' : 'due'
    stored.isOut = false
    this.#window.settled(lease)
    if (stored.state === 'due') this.#window.becameDue()
  }

  /** Only an outcome that cannot be written outlasts its lease. */
  #runOut(which: number): void {
    const outcome = this.#unwritten[which % Math.max(1, this.#unwritten.length)]
    if (outcome === undefined) return
    const stored = this.#stored(outcome.lease)
    if (stored.state === 'leased' && stored.isOut) stored.state = 'due'
  }

  #putBack(leases: readonly Lease[]): void {
    for (const lease of leases) this.#unwritten.push({ lease, delivered: false })
  }

  #dueSeqs(): number[] {
    return [...this.#store].filter(([, { state }]) => state === 'due').map(([seq]) => seq)
  }

  #stored(lease: Lease): StoredDelivery {
    return this.#store.get(lease.delivery.eventSeq) as StoredDelivery
  }
}

export function delivery(eventSeq: number, bytes = 2): ClaimedDelivery {
  return {
    eventSeq,
    hook: 'one',
    webhookId: `id-${eventSeq}`,
    eventType: 'acs_credential.issued',
    body: 'x'.repeat(bytes),
    leaseToken: 1,
    attempt: 1,
    failures: 0,
    ageMs: 0,
    failingForMs: null,
  }
}
