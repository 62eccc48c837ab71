import { createHash } from 'node:crypto'
import type { ReconciliationFinding } from '../store/reconciliations.ts'
import type { Comparison } from './compare.ts'
import type { Span } from './span.ts'

const IDS_KEPT = 100

/** What one pass has missed so far, as one finding that grows with each window. */
export class Tally {
  readonly #id: string
  #finding: ReconciliationFinding | null = null

  /** @param id a UUID */
  constructor(id: string) {
    this.#id = id
  }

  add({ missed, recovered, missedEvents }: Comparison): void {
    if (missed === 0) return
    const before = this.#finding
    const times = missedEvents.map(({ createdAt }) => createdAt)
    this.#finding = {
      id: this.#id,
      kind: 'missed',
      since: Math.min(before?.since ?? Infinity, ...times),
      until: Math.max(before?.until ?? -Infinity, ...times),
      missed: (before?.missed ?? 0) + missed,
      recovered: (before?.recovered ?? 0) + recovered,
      eventIds: [...(before?.eventIds ?? []), ...missedEvents.map(({ eventId }) => eventId)].slice(
        0,
        IDS_KEPT,
      ),
    }
  }

  get finding(): ReconciliationFinding | null {
    return this.#finding
  }
}

/** The same for the same span, so that a gap that is met again is not a second one. */
export function gapFinding(workspaceId: string, { fromMs, toMs }: Span): ReconciliationFinding {
  const hex = createHash('sha256').update(`${workspaceId} ${fromMs} ${toMs}`).digest('hex')
  const id = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
  return { id, kind: 'gap', since: fromMs, until: toMs, missed: 0, recovered: 0, eventIds: [] }
}

/** "12 events missed between 02:10 and 04:55, all recovered". Times are in UTC; on another day than today, with the day. */
export function missedText(
  {
    missed,
    recovered,
    since,
    until,
  }: Pick<ReconciliationFinding, 'missed' | 'recovered' | 'since' | 'until'>,
  nowMs: number,
): string {
  const events = missed === 1 ? '1 event' : `${missed} events`
  const all = missed === 1 ? 'recovered' : 'all recovered'
  const end = recovered === missed ? all : `${recovered} recovered`
  return `${events} missed between ${timeText(since, nowMs)} and ${timeText(until, nowMs)}, ${end}`
}

function timeText(at: number, nowMs: number): string {
  const [day = '', time = ''] = new Date(at).toISOString().split('T')
  const isToday = day === new Date(nowMs).toISOString().slice(0, 10)
  return isToday ? time.slice(0, 5) : `${day} ${time.slice(0, 5)}`
}
