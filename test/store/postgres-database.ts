import { onTestFinished } from 'vitest'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { PostgresStoreOptions } from '../../src/store/postgres/postgres-store.ts'
import { systemClock } from '../../src/time/clock.ts'

/** Opened until the test has finished. */
export async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const log = { info() {}, warn() {} }
  const store = await PostgresStore.open({
    url,
    log,
    startTimeoutMs: 10_000,
    version: '0.0.0',
    clock: systemClock,
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}
