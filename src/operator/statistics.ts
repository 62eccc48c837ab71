import type { HookStats, QuarantineStats, Reader } from '../store/reader.ts'
import type { Clock } from '../time/clock.ts'

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

/**
 * The store's statistics, read when somebody asks and never otherwise. Who asks while they are being read, or within a
 * few seconds after, gets the same reading. One that failed serves only those who were waiting for it.
 */
export function createStatistics({ reader, clock }: StatisticsOptions): () => Promise<Statistics> {
  let reading: Promise<Statistics> | null = null
  let latest: { readAt: number; statistics: Statistics } | null = null

  async function read(): Promise<Statistics> {
    const [hooks, quarantine] = await Promise.all([reader.stats(), reader.quarantineStats()])
    const statistics = { hooks, quarantine }
    latest = { readAt: clock.steadyMs(), statistics }
    return statistics
  }

  return async () => {
    if (latest !== null && clock.steadyMs() - latest.readAt < REUSE_MS) return latest.statistics
    reading ??= read().finally(() => (reading = null))
    return reading
  }
}
