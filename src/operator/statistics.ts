import type { HookStats, QuarantineStats, Reader } from '../store/reader.ts'
import type { Clock } from '../time/clock.ts'
import { reused } from './reused.ts'

export interface Statistics {
  hooks: HookStats[]
  quarantine: QuarantineStats
}

export interface StatisticsOptions {
  reader: Pick<Reader, 'stats' | 'quarantineStats'>
  clock: Clock
}

/**
 * How long one reading serves everybody. With a million deliveries waiting, Postgres takes most of a second for one, and
 * each replica is scraped by itself.
 */
const REUSE_MS = 5000

/** The store's statistics, for metrics and for the overview. */
export function createStatistics({ reader, clock }: StatisticsOptions): () => Promise<Statistics> {
  async function read(): Promise<Statistics> {
    const [hooks, quarantine] = await Promise.all([reader.stats(), reader.quarantineStats()])
    return { hooks, quarantine }
  }
  return reused(read, REUSE_MS, clock)
}
