import type { Arrival, Ledgers, Stored } from '../ledgers.ts'

/** What the store says about deliveries against what the receivers got. */
export function faultsOfDeliveries({ arrivals, stored, leftover }: Ledgers): string[] {
  const keyOf = new Map(stored.ids.map(({ seq, key }) => [seq, key]))
  const arrived = Map.groupBy(arrivals, ({ hook, key }) => nameOf(hook, key))
  const attempts = Map.groupBy(stored.attempts, ({ seq, hook }) => nameOf(hook, keyOf.get(seq) ?? ''))
  const waiting = new Set(leftover.map(({ seq, hook }) => nameOf(hook, keyOf.get(seq) ?? '')))
  const faults = [...faultsOfArrivals(arrivals, stored), ...faultsOfLeftover(leftover, keyOf)]
  for (const row of stored.deliveries) {
    const name = nameOf(row.hook, keyOf.get(row.seq) ?? '')
    const fault = faultOf(row, {
      arrived: arrived.get(name) ?? [],
      attempts: attempts.get(name) ?? [],
      isLeftover: waiting.has(name),
    })
    if (fault !== null) faults.push(`${fault}: ${name}`)
  }
  return faults
}

interface Known {
  arrived: readonly Arrival[]
  attempts: Stored['attempts']
  isLeftover: boolean
}

function faultOf({ hook, state }: Stored['deliveries'][number], known: Known): string | null {
  const received = known.arrived.filter(({ status }) => isSuccess(status)).length
  const recorded = known.attempts.filter(({ status }) => isSuccess(status)).length
  if (recorded > received) return `${recorded} successes recorded and ${received} answered`
  switch (state) {
    case 'delivered':
      return received === 0 ? 'stored as delivered, and its receiver never answered 2xx' : null
    case 'dead':
      return mayBeDead(hook, known) ? null : 'dead, against the rules'
    default:
      return known.isLeftover ? null : `still ${state} at the end`
  }
}

/** `strict` gives up at the first failure, every other hook only at a 410 within the length of a run. */
function mayBeDead(hook: string, { attempts }: Known): boolean {
  const isFailure = ({ status, errorCode }: Stored['attempts'][number]) =>
    hook === 'strict' ? errorCode !== null && errorCode !== 'interrupted' : status === 410
  return attempts.some(isFailure)
}

function faultsOfArrivals(arrivals: readonly Arrival[], { events, deliveries, ids }: Stored): string[] {
  const bodies = new Map(events.map(({ key, bodyHash }) => [key, bodyHash]))
  const keyOf = new Map(ids.map(({ seq, key }) => [seq, key]))
  const due = new Set(deliveries.map(({ seq, hook }) => nameOf(hook, keyOf.get(seq) ?? '')))
  return arrivals.flatMap(({ hook, key, bodyHash, isSigned }) => {
    const name = nameOf(hook, key)
    const faults: string[] = []
    if (!bodies.has(key)) return [`delivered, and not stored: ${name}`]
    if (!due.has(name)) faults.push(`delivered to a hook that it was not for: ${name}`)
    if (bodies.get(key) !== bodyHash) faults.push(`delivered with other bytes than were accepted: ${name}`)
    if (!isSigned) faults.push(`delivered with a wrong signature: ${name}`)
    return faults
  })
}

/** Longer than any wake of the delivery loop, on a busy machine. */
const OVERDUE_MS = 5000

/** A delivery may be left only if it is leased, or could not be claimed yet. */
function faultsOfLeftover(leftover: Ledgers['leftover'], keyOf: ReadonlyMap<number, string>): string[] {
  return leftover
    .filter(({ dueInMs }) => dueInMs < -OVERDUE_MS)
    .map(({ seq, hook, state, dueInMs }) => {
      return `${state} and overdue for ${Math.round(-dueInMs)} ms: ${nameOf(hook, keyOf.get(seq) ?? '')}`
    })
}

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300
}

function nameOf(hook: string, key: string): string {
  return `${hook} ${key}`
}
