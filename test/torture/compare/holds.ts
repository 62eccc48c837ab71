import type { Ledgers, Span } from '../ledgers.ts'

/** Every replica looks every two seconds which hooks are paused; so much later it knows, on a busy machine too. */
const KNOWN_AFTER_MS = 7000

/** A hook that a person has paused gets nothing, from the moment on when every replica must know it. */
export function faultsOfHolds({ arrivals, disturbances: { holds, lives, outages } }: Ledgers): string[] {
  const pauses = new Map(lives.map(({ process, pauses: itsPauses }) => [process, itsPauses]))
  return holds.flatMap(({ hook, from, to }) => {
    const whileHeld = arrivals.filter(
      (arrival) =>
        arrival.hook === hook && arrival.arrivedAt > from + KNOWN_AFTER_MS && arrival.arrivedAt < to,
    )
    return whileHeld
      .filter(({ process, arrivedAt }) => {
        // A process that stood still, or could not ask the store, may not know yet.
        const excused = { from, to: arrivedAt }
        const spans = [...(pauses.get(process) ?? []), ...outages]
        return !spans.some((span) => meet(span, excused))
      })
      .map(({ key, arrivedAt }) => `${hook} was paused for ${Math.round(arrivedAt - from)} ms and got ${key}`)
  })
}

function meet(one: Span, other: Span): boolean {
  return one.from <= other.to && one.to >= other.from
}
