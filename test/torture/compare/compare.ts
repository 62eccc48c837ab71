import type { Ledgers } from '../ledgers.ts'
import { faultsOfCustody } from './custody.ts'
import { faultsOfDeliveries } from './deliveries.ts'
import { findDoubles } from './doubles.ts'
import { faultsOfHolds } from './holds.ts'
import { faultsOfOrder } from './order.ts'
import { faultsOfProcesses } from './processes.ts'

/** What a comparison found: every fault in words, and the figures of the run. */
export interface Verdict {
  faults: string[]
  figures: Figures
}

export interface Figures {
  sent: number
  accepted: number
  arrivals: number
  /** Of these, how many were answered 2xx. */
  successes: number
  kills: number
  killsWhileStarting: number
  stops: number
  pauses: number
  outages: number
  /** Deliveries that a person had sent again, and how often hooks were paused by one. */
  replayed: number
  holds: number
  /** Attempts that were under way, or not yet settled, when a process was killed, stopped or paused or lost its store. */
  inFlight: number
  doubles: number
  dead: number
  leftover: number
}

/**
 * Compares the three ledgers: what the client was answered, what the store holds, and what the receivers got. Pure. No
 * fault means:
 *
 * - every event that was answered `accepted` or `duplicate` is stored once, with the bytes that were sent
 * - each of its deliveries arrived and was answered 2xx, or is dead or waits by the rules
 * - nothing was stored or delivered that was not accepted, and no receiver got altered bytes
 * - a receiver got nothing a second time unless it was in flight at a disturbance
 * - at the ordered hook, nothing of one credential overlapped or changed places
 * - a hook that a person had paused got nothing
 * - no process ended by itself, but for one that could not start
 */
export function compare(ledgers: Ledgers): Verdict {
  const { sent, arrivals, leftover, stored, disturbances } = ledgers
  const doubles = findDoubles(ledgers)
  const ended = (end: string) => disturbances.lives.filter((life) => life.end === end)
  return {
    faults: [
      ...faultsOfCustody(ledgers),
      ...faultsOfDeliveries(ledgers),
      ...doubles.faults,
      ...faultsOfOrder(ledgers),
      ...faultsOfHolds(ledgers),
      ...faultsOfProcesses(ledgers),
    ],
    figures: {
      sent: sent.reduce((sum, { tries }) => sum + tries.length, 0),
      accepted: stored.events.length,
      arrivals: arrivals.length,
      successes: arrivals.filter(({ status }) => status !== null && status < 300).length,
      kills: ended('killed').length,
      killsWhileStarting: ended('killed').filter(({ listeningAt }) => listeningAt === null).length,
      stops: ended('stopped').length,
      pauses: disturbances.lives.reduce((sum, { pauses }) => sum + pauses.length, 0),
      outages: disturbances.outages.length,
      replayed: stored.deliveries.reduce((sum, { replays }) => sum + replays, 0),
      holds: disturbances.holds.length,
      inFlight: doubles.inFlight,
      doubles: doubles.count,
      dead: stored.deliveries.filter(({ state }) => state === 'dead').length,
      leftover: leftover.length,
    },
  }
}
