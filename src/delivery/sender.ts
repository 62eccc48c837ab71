import type { Hook } from '../config/hook.ts'
import type { NextState, Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { DeliveryReport } from './delivery-report.ts'
import type { DeliveryReportOptions } from './delivery-report.ts'
import type { Exchange } from './exchange.ts'
import type { Lane, StartedAttempt } from './lane.ts'
import { LeaseEnd } from './lease-end.ts'
import { MAX_WAITING_MS } from './lease.ts'
import { nextState } from './next-state.ts'
import type { Outcome } from './outcome.ts'
import { Settler } from './settler.ts'
import { SleepWatch } from './sleep-watch.ts'
import type { Lease } from './window.ts'

export interface SenderOptions extends DeliveryReportOptions {
  store: Pick<Store, 'settle'>
  clock: Clock
  /** The jitter's source, a number from 0 up to 1. */
  random: () => number
  /** Whether this process may begin attempts at all. @param now steady milliseconds */
  mayBegin: (now: number) => boolean
  /** Called when a claim may find something that it could not before. */
  onClaimable: () => void
  /** Called when nothing is being sent any more. */
  onIdle: () => void
  /** Called when other replicas may have what waits here, in whichever lane. */
  onSlept: () => void
}

/** Sends what waits in the lanes' windows, and settles what comes of it. */
export class Sender {
  readonly #options: SenderOptions
  readonly #settler: Settler
  readonly #report: DeliveryReport
  readonly #sleep: SleepWatch
  readonly #sending = new Set<Exchange>()
  /** Lanes whose waiting deliveries are looked at on the next turn. */
  readonly #toStart = new Set<Lane>()

  constructor(options: SenderOptions) {
    this.#options = options
    this.#settler = new Settler(options)
    this.#report = new DeliveryReport(options)
    // The steady clock stands still while the machine is suspended, and a lease at a database runs on.
    this.#sleep = new SleepWatch(options.clock, MAX_WAITING_MS)
  }

  start(): void {
    this.#settler.start()
  }

  get isIdle(): boolean {
    return this.#sending.size === 0
  }

  /** Ends the attempts under way, as interrupted. */
  interrupt(): void {
    for (const exchange of this.#sending) exchange.interrupt()
  }

  /** Writes the outcomes that are left. Nothing may be under way any more. */
  async stop(): Promise<void> {
    await this.#settler.stop()
  }

  /** On a later turn, so that Seam is answered first, and one look serves all that came in this turn. */
  startSoon(lane: Lane): void {
    if (this.#toStart.size === 0) {
      setImmediate(() => {
        const lanes = [...this.#toStart]
        this.#toStart.clear()
        for (const one of lanes) this.startWaiting(one)
      })
    }
    this.#toStart.add(lane)
  }

  /** Begins as many as may begin. Puts back those that have waited too long, or that must not wait here at all. */
  startWaiting(lane: Lane): void {
    const { clock, mayBegin, onSlept } = this.#options
    if (this.#sleep.mayHaveSlept()) onSlept()
    const now = clock.steadyMs()
    const late = lane.window.giveBack(({ leasedAt }) => leasedAt + MAX_WAITING_MS < now)
    this.putBack(lane, late)
    while (mayBegin(now)) {
      const started = lane.start(now)
      if (started === null) break
      this.#follow(lane, started)
    }
    if (!mayBegin(now) || !lane.mayWait(now)) this.putBackWaiting(lane)
  }

  putBackWaiting(lane: Lane): void {
    this.putBack(
      lane,
      lane.window.giveBack(() => true),
    )
  }

  /** Puts deliveries that were never sent back into the store, due at once. */
  putBack(lane: Lane, leases: readonly Lease[]): void {
    for (const lease of leases) {
      this.#settle(lane, lease, { state: 'pending', delayMs: 0, failures: lease.delivery.failures }, null)
    }
  }

  #follow(lane: Lane, { hook, lease, exchange }: StartedAttempt): void {
    this.#sending.add(exchange)
    void exchange.outcome.then((outcome) => {
      this.#sending.delete(exchange)
      this.#ended(lane, hook, lease, outcome)
      this.startWaiting(lane)
      // While nothing is due, a free slot is of no use to a claim.
      if (outcome.kind !== 'delivered' || !lane.window.isCaughtUp) this.#options.onClaimable()
      if (this.isIdle) this.#options.onIdle()
    })
  }

  #ended(lane: Lane, hook: Hook, lease: Lease, outcome: Outcome): void {
    const now = this.#options.clock.steadyMs()
    lane.window.end(lease)
    this.#report.attempted(lease.delivery, outcome)
    if (lane.ended(hook, outcome, now)) this.#report.opened(hook)
    const { failures, ageMs, failingForMs } = lease.delivery
    const sinceLeaseMs = now - lease.leasedAt
    const failingMs = failingForMs === null ? outcome.record.durationMs : failingForMs + sinceLeaseMs
    const tried = {
      failures,
      ageMs: Math.round(ageMs + sinceLeaseMs),
      // What had failed before a pause gets as long after it as if it had failed first then: nobody tried meanwhile.
      failingForMs: Math.round(Math.min(failingMs, lane.resumedForMs(now))),
    }
    const next = nextState(outcome, tried, hook.retry, this.#options.random())
    this.#settle(lane, lease, next, outcome)
  }

  /** @param outcome `null` for a delivery that was never sent */
  #settle(lane: Lane, lease: Lease, next: NextState, outcome: Outcome | null): void {
    this.#settler.add(
      new LeaseEnd(lease, next, outcome, (result) => {
        const wasFull = lane.window.isFull
        lane.window.settled(lease)
        if (outcome !== null) {
          const ageMs = lease.delivery.ageMs + this.#options.clock.steadyMs() - lease.leasedAt
          this.#report.settled(lease.delivery, outcome, next, result, ageMs)
        }
        this.#tellIfClaimable(lane, next, wasFull)
      }),
    )
  }

  /** @param wasFull the window had no room for a claim until this was settled */
  #tellIfClaimable(lane: Lane, next: NextState, wasFull: boolean): void {
    // The next of its credential is due now. What was put back is due, or will be at a time that no claim has told yet.
    const isOrdered = lane.hook?.ordering === 'credential'
    const isDueNow = isOrdered || (next.state === 'pending' && next.delayMs === 0)
    if (isDueNow) lane.window.becameDue()
    // Without these, the end of the attempt has claimed already; one more claim for each outcome is only work.
    if (isDueNow || next.state === 'pending' || (wasFull && !lane.window.isCaughtUp)) {
      this.#options.onClaimable()
    }
  }
}
