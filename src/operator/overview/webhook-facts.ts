import type { CountRow, RecordQuestions } from '../../store/records.ts'
import type { Clock } from '../../time/clock.ts'
import { reused } from '../reused.ts'
import type { WebhookFacts } from './facts.ts'
import { expectedBetween } from './silence.ts'
import type { HourCount } from './silence.ts'

export interface WebhookFactsOptions {
  reader: Pick<RecordQuestions, 'counts'>
  /** When this process took its last verified webhook, in milliseconds since 1970; `null`: none yet. */
  recent: { readonly lastVerifiedAt: number | null }
  clock: Clock
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** What is usual is learned from so many days. */
const HISTORY_MS = 14 * 86_400_000
/** What is usual changes slowly. */
const HISTORY_REUSE_MS = 300_000
/** Every webhook that was verified, whatever became of it. */
const VERIFIED: readonly string[] = ['accepted', 'duplicate', 'quarantined', 'ignored']

/** When webhooks come, and whether a silence is usual, by what all replicas have counted. */
export function createWebhookFacts({
  reader,
  recent,
  clock,
}: WebhookFactsOptions): (now: number) => Promise<WebhookFacts> {
  const history = reused(readHistory, HISTORY_REUSE_MS, clock)

  /** By whole hours, oldest first, and up to which hour they are complete. */
  let known: { hours: HourCount[]; until: number } = { hours: [], until: 0 }

  /**
   * Two weeks of counts are hundreds of thousands of rows. So they are read once, a day at a time, between which the reader is
   * free for others; and then only what has come since.
   */
  async function readHistory(): Promise<HourCount[]> {
    const now = clock.wallMs()
    const oldest = startOfHour(now - HISTORY_MS)
    // Other replicas may still have added to the hour that was just over.
    const from = Math.max(oldest, Math.min(known.until, startOfHour(now)) - HOUR_MS)
    const hours = known.hours.filter(({ at }) => at >= oldest && at < from)
    for (let since = from; since <= now; since += DAY_MS) {
      hours.push(...verifiedBy(await reader.counts({ since, until: since + DAY_MS, stepMs: HOUR_MS })))
    }
    known = { hours, until: startOfHour(now) }
    return hours
  }

  return async (now) => {
    const lastHour = await reader.counts({ since: now - HOUR_MS, until: now + MINUTE_MS, stepMs: MINUTE_MS })
    const hours = await history()
    const known = [recent.lastVerifiedAt, verifiedBy(lastHour).at(-1)?.at, hours.at(-1)?.at]
    const times = known.filter((at) => at !== undefined && at !== null)
    const lastAt = times.length === 0 ? null : Math.max(...times)
    const thisHour = startOfHour(now)
    return {
      lastAt,
      acceptedLastHour: sum(lastHour.filter(({ kind }) => kind === 'accepted')),
      usualPerHour: expectedBetween(hours, thisHour, thisHour + HOUR_MS),
      expectedSinceLast: lastAt === null ? null : expectedBetween(hours, lastAt, now),
    }
  }
}

/** Verified webhooks by the beginning of each step, oldest first. */
function verifiedBy(rows: readonly CountRow[]): HourCount[] {
  const counts = new Map<number, number>()
  for (const { at, kind, count } of rows) {
    if (VERIFIED.includes(kind)) counts.set(at, (counts.get(at) ?? 0) + count)
  }
  return [...counts].map(([at, count]) => ({ at, count })).toSorted((a, b) => a.at - b.at)
}

function sum(rows: readonly CountRow[]): number {
  return rows.reduce((total, { count }) => total + count, 0)
}

function startOfHour(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS
}
