import type { Arrival, Ledgers, Life, Span } from '../ledgers.ts'

export interface Doubles {
  faults: string[]
  /** Arrivals of something that its receiver had answered 2xx already. */
  count: number
  /** Attempts that were in flight when a process was killed, cut short or paused: so many could arrive a second time. */
  inFlight: number
}

/** Between a receiver's answer and the moment when the store has it, on a very busy machine. */
const SETTLING_MS = 5000
/** After an outage or a pause, until the outcomes that waited are written. */
const RECOVERY_MS = 5000
/** A graceful stop interrupts what is under way at four fifths of its bound: this much before its end, at most. */
const CUT_MS = 1500
/** One that stopped sooner has waited for everything that was under way. */
const SHORTEST_CUT_STOP_MS = 3500
/** After a pause of this length, other replicas may have taken over what the paused one had leased. */
const TAKEN_OVER_MS = 10_000
/** An answer that took longer may have come too late for the other side, which had given up by then. */
const CERTAIN_WITHIN_MS = 2000

/**
 * A receiver gets something again after its 2xx only if the first attempt was in flight, or its outcome not yet
 * written, when its process was killed or cut short; or if it was in flight while the process was paused, which
 * interrupts it. Nothing else excuses a double: no changed hooks, no outage of the store by itself, no graceful stop
 * within its bound while the store was there. What was in flight is known by its time, and besides by the store: an
 * outcome that was written there is none that a kill can have taken away. What a person had sent again comes once more
 * for each time that the store has counted.
 */
export function findDoubles({ arrivals, stored, disturbances: { lives, outages } }: Ledgers): Doubles {
  const histories = new Map(lives.map((life) => [life.process, historyOf(life, outages)]))
  const wasInFlight = (arrival: Arrival) => isInFlight(arrival, histories.get(arrival.process))
  const written = successesWritten(stored)
  const replayed = replaysOf(stored)
  const faults: string[] = []
  let count = 0
  for (const [name, same] of Map.groupBy(arrivals, ({ hook, key }) => `${hook} ${key}`)) {
    let replays = replayed.get(name) ?? 0
    if (
      (written.get(name) ?? 0) > 1 + replays &&
      !same.some((one) => wasPaused(one, histories.get(one.process)))
    ) {
      faults.push(`delivered again after its success had been written: ${name}`)
    }
    const inOrder = same.toSorted((one, other) => one.arrivedAt - other.arrivedAt)
    let known: Arrival | null = null
    for (const arrival of inOrder) {
      if (known !== null && !wasInFlight(known) && replays > 0) {
        // Pending again: it comes until it has succeeded again.
        replays--
        known = null
      } else if (known !== null) {
        count++
        if (!wasInFlight(known)) {
          const between = Math.round(arrival.arrivedAt - (known.answeredAt ?? 0))
          faults.push(
            `came again ${between} ms after ${known.status}, which had been in flight at nothing: ${name} ` +
              `(${told(known)}; ${told(arrival)}; pauses ${spansOf(histories.get(known.process)?.interruptions)}; ` +
              `store away ${spansOf(outages)}; stored ${attemptsOf(stored, name)})`,
          )
        }
      }
      if (isSurelyKnown(arrival)) known = arrival
    }
  }
  return { faults, count, inFlight: arrivals.filter(wasInFlight).length }
}

/** In seconds from the beginning, as the disturbances are. */
function told({ process, arrivedAt, answeredAt }: Arrival): string {
  return `from ${process} at ${(arrivedAt / 1000).toFixed(3)} s, answered at ${((answeredAt ?? 0) / 1000).toFixed(3)}`
}

function attemptsOf({ ids, attempts }: Ledgers['stored'], name: string): string {
  const keyOf = new Map(ids.map(({ seq, key }) => [seq, key]))
  return attempts
    .filter(({ seq, hook }) => `${hook} ${keyOf.get(seq)}` === name)
    .map(({ attempt, leaseToken, startedAt, status, errorCode }) => {
      return `attempt ${attempt} under lease ${leaseToken} at ${(startedAt / 1000).toFixed(3)} s: ${status ?? errorCode}`
    })
    .join(', ')
}

function spansOf(spans: readonly Span[] = []): string {
  return spans.map(({ from, to }) => `${(from / 1000).toFixed(3)}–${(to / 1000).toFixed(3)}`).join(' ')
}

/** How many successes the store knows of each delivery. Where it was not replayed, more than one is strange. */
function successesWritten({ ids, attempts }: Ledgers['stored']): Map<string, number> {
  const keyOf = new Map(ids.map(({ seq, key }) => [seq, key]))
  const counts = new Map<string, number>()
  for (const { seq, hook, status } of attempts) {
    if (status === null || status >= 300) continue
    const name = `${hook} ${keyOf.get(seq)}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

function replaysOf({ ids, deliveries }: Ledgers['stored']): Map<string, number> {
  const keyOf = new Map(ids.map(({ seq, key }) => [seq, key]))
  return new Map(deliveries.map(({ seq, hook, replays }) => [`${hook} ${keyOf.get(seq)}`, replays]))
}

interface History {
  /** While outcomes could not be written. */
  delays: Span[]
  /** What was under way then may be made again. */
  interruptions: Span[]
  /** Outcomes that were not written by then are forgotten. `from`: what was under way from then on. */
  ends: Span[]
  /** So long that another replica may have made again what was under way or not written by then. */
  takenOver: Span[]
}

function historyOf({ end, endedAt, toldToStopAt, pauses }: Life, outages: readonly Span[]): History {
  const stop = end === 'stopped' ? { from: toldToStopAt ?? endedAt, to: endedAt } : null
  const wasCut = stop !== null && stop.to - stop.from > SHORTEST_CUT_STOP_MS
  // A store that was away took no outcomes, however long the stop waited for it.
  const wasWithoutStore = stop !== null && outages.some((outage) => meet(outage, stop))
  const cuts = wasCut || wasWithoutStore ? [{ from: endedAt - CUT_MS, to: endedAt }] : []
  return {
    delays: [...outages, ...pauses].map(({ from, to }) => ({ from, to: to + RECOVERY_MS })),
    interruptions: pauses,
    ends: [...cuts, ...(end === 'killed' ? [{ from: endedAt, to: endedAt }] : [])],
    takenOver: pauses.filter(({ from, to }) => to - from > TAKEN_OVER_MS),
  }
}

function isInFlight(arrival: Arrival, history: History | undefined): boolean {
  if (history === undefined) return false
  const { interruptions, ends, takenOver } = history
  if (interruptions.some((span) => meet(span, underWayOf(arrival)))) return true
  const unsettled = unsettledOf(arrival, history)
  return [...ends, ...takenOver].some((span) => meet(span, unsettled))
}

/**
 * What a paused process has under way, or not yet written, is taken over by others; and it records its own outcome all
 * the same once it goes on.
 */
function wasPaused(arrival: Arrival, history: History | undefined): boolean {
  if (history === undefined) return false
  const { interruptions, takenOver } = history
  const unsettled = unsettledOf(arrival, history)
  return (
    interruptions.some((span) => meet(span, underWayOf(arrival))) ||
    takenOver.some((span) => meet(span, unsettled))
  )
}

/** Until its outcome is surely written. */
function unsettledOf(arrival: Arrival, { delays }: History): Span {
  const unsettled = { from: arrival.arrivedAt, to: underWayOf(arrival).to + SETTLING_MS }
  for (const delay of delays) if (meet(delay, unsettled)) unsettled.to = Math.max(unsettled.to, delay.to)
  return unsettled
}

function underWayOf({ arrivedAt, answeredAt, brokeAt }: Arrival): Span {
  return { from: arrivedAt, to: answeredAt ?? brokeAt ?? arrivedAt }
}

function meet(one: Span, other: Span): boolean {
  return one.from <= other.to && one.to >= other.from
}

function isSurelyKnown({ status, answeredAt, arrivedAt }: Arrival): boolean {
  return status !== null && status < 300 && answeredAt !== null && answeredAt - arrivedAt < CERTAIN_WITHIN_MS
}
