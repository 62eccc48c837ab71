import type { Arrival, Ledgers, Sent } from '../ledgers.ts'

/** The receiver may notice a broken connection this much later than the other side that broke it. */
const NOTICED_WITHIN_MS = 500

/**
 * With `ordering: credential`: no two events of a credential are under way at one time, replayed or not, and none arrives before an
 * earlier one has been settled. An event is earlier than another if it had been answered before the other was sent
 * for the first time; of two that were sent at once, either may be first.
 */
export function faultsOfOrder(ledgers: Ledgers): string[] {
  const { arrivals, sent, stored } = ledgers
  const acceptedWithin = acceptanceOf(sent)
  const dead = deadKeys({ stored })
  const ordered = arrivals.filter(({ hook, credential }) => hook === 'ordered' && credential !== null)
  return [...Map.groupBy(ordered, ({ credential }) => credential)].flatMap(([credential, ofOne]) => {
    const inOrder = ofOne.toSorted((one, other) => one.arrivedAt - other.arrivedAt)
    return [...overlaps(inOrder), ...swaps(inOrder, acceptedWithin, dead)].map(
      (fault) => `credential ${credential}: ${fault}`,
    )
  })
}

function overlaps(inOrder: readonly Arrival[]): string[] {
  const faults: string[] = []
  let last: { until: number; key: string } | null = null
  for (const arrival of inOrder) {
    if (last !== null && last.key !== arrival.key && arrival.arrivedAt < last.until) {
      faults.push(`${arrival.key} arrived while ${last.key} was under way`)
    }
    const { answeredAt, brokeAt, arrivedAt } = arrival
    const until = answeredAt ?? (brokeAt ?? arrivedAt) - NOTICED_WITHIN_MS
    if (last === null || until > last.until) last = { until, key: arrival.key }
  }
  return faults
}

function swaps(
  inOrder: readonly Arrival[],
  acceptedWithin: ReadonlyMap<string, { from: number; to: number }>,
  dead: ReadonlySet<string>,
): string[] {
  const keys = [...new Set(inOrder.map(({ key }) => key))]
  const settledAt = new Map<string, number>()
  for (const { key, status, answeredAt } of inOrder) {
    const isSuccess = status !== null && status < 300 && answeredAt !== null
    if (isSuccess && !settledAt.has(key)) settledAt.set(key, answeredAt)
  }
  const firstAt = new Map<string, number>()
  for (const { key, arrivedAt } of inOrder) if (!firstAt.has(key)) firstAt.set(key, arrivedAt)
  const faults: string[] = []
  for (const [index, later] of keys.entries()) {
    for (const earlier of keys.slice(index + 1)) {
      // `earlier` arrived for the first time after `later`. Was it accepted before?
      const [one, other] = [acceptedWithin.get(earlier), acceptedWithin.get(later)]
      if (one === undefined || other === undefined || one.to >= other.from || dead.has(earlier)) continue
      faults.push(`${later} came before ${earlier}, which had been accepted earlier`)
    }
  }
  for (const [index, key] of keys.entries()) {
    const next = keys[index + 1]
    const [settled, began] = [settledAt.get(key), next === undefined ? undefined : firstAt.get(next)]
    if (next === undefined || began === undefined || dead.has(key)) continue
    if (settled === undefined || settled > began) faults.push(`${next} came before ${key} was settled`)
  }
  return faults
}

/** From when to when each event was accepted: from its first try to the first answer that it is held. */
function acceptanceOf(sent: readonly Sent[]): Map<string, { from: number; to: number }> {
  const spans = new Map<string, { from: number; to: number }>()
  for (const { key, tries } of sent) {
    for (const { sentAt, endedAt, answer } of tries) {
      const known = spans.get(key) ?? { from: Infinity, to: Infinity }
      const isHeld = answer?.said === 'accepted' || answer?.said === 'duplicate'
      spans.set(key, {
        from: Math.min(known.from, sentAt),
        to: isHeld ? Math.min(known.to, endedAt) : known.to,
      })
    }
  }
  return spans
}

/** A dead letter lets those behind it pass. */
function deadKeys({ stored }: Pick<Ledgers, 'stored'>): Set<string> {
  const keyOf = new Map(stored.ids.map(({ seq, key }) => [seq, key]))
  const rows = stored.deliveries.filter(({ hook, state }) => hook === 'ordered' && state === 'dead')
  return new Set(rows.map(({ seq }) => keyOf.get(seq) ?? ''))
}
