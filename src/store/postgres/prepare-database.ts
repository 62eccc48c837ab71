import { Client } from 'pg'
import type { Clock } from '../../time/clock.ts'
import { StoreError } from '../store.ts'
import { Backoff } from './backoff.ts'
import { CONNECT_TIMEOUT_MS } from './connections.ts'
import { isAway, storeErrorFrom } from './database-error.ts'
import { migrate } from './migrations.ts'

export interface PrepareOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  log: { warn(about: object, message: string): void }
  clock: Clock
  /** How long to wait at the start for a database that cannot be reached. */
  startTimeoutMs: number
  /** Called while it is not open yet, with why that takes time. It names no host, user or value. */
  onOpening?: (reason: string) => void
}

/**
 * Waits for a database that is just starting, and brings it to the current schema.
 * @throws {Error} if it cannot be reached in time, cannot be used, or is newer than the program
 */
export async function prepareDatabase({
  url,
  log,
  clock,
  startTimeoutMs,
  onOpening,
}: PrepareOptions): Promise<void> {
  const backoff = new Backoff(clock)
  const giveUpAt = clock.steadyMs() + startTimeoutMs
  for (;;) {
    try {
      return await prepareOnce(url, log)
    } catch (error) {
      const { code, message } = error as Error & { code?: string }
      const why = `DATABASE_URL: ${message || code}`
      if (!isAway(error) || clock.steadyMs() > giveUpAt) throw Object.assign(new Error(why), { code })
      log.warn({ code, reason: message }, 'the database cannot be reached yet')
      onOpening?.(storeErrorFrom(error).message)
    }
    backoff.failed(new StoreError('store_failing', ''))
    await new Promise<void>((resolve) => clock.after(backoff.restMs(), resolve))
  }
}

async function prepareOnce(url: string, log: PrepareOptions['log']): Promise<void> {
  const client = new Client({
    connectionString: url,
    application_name: 'seam-relay start',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await migrate(client)
    const { rows } = await client.query(`select current_setting('fsync') = 'on' as is_durable`)
    if (rows[0]?.is_durable !== true) {
      log.warn({}, 'the database runs with fsync off: a power cut there can lose what was acknowledged')
    }
  } finally {
    await client.end()
  }
}
