import { onTestFinished } from 'vitest'
import { PostgresReader } from '../../src/store/postgres/postgres-reader.ts'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { PostgresStoreOptions } from '../../src/store/postgres/postgres-store.ts'
import { systemClock } from '../../src/time/clock.ts'
import type { ReadableStore } from './asking.ts'

/** A store and its reader, opened until the test has finished. */
export async function open(
  url: string,
  options: Partial<PostgresStoreOptions> = {},
): Promise<PostgresStore & ReadableStore> {
  const log = { info() {}, warn() {} }
  const store = await PostgresStore.open({
    url,
    log,
    startTimeoutMs: 10_000,
    version: '0.0.0',
    clock: systemClock,
    ...options,
  })
  const reader = new PostgresReader({ url, clock: options.clock ?? systemClock })
  onTestFinished(async () => {
    await reader.close()
    await store.close()
  })
  return Object.assign(store, { reader })
}
