import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { SqliteReader } from '../../src/store/sqlite/sqlite-reader.ts'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { scratchFolder } from '../support/scratch.ts'
import { wanting } from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function newPath(): string {
  return join(scratchFolder(), 'relay.db')
}

/** A store and its reader, opened until the test has finished. */
export async function open(
  path: string,
  options: Partial<SqliteStoreOptions> = {},
): Promise<SqliteStore & ReadableStore> {
  const store = await SqliteStore.open({ path, lockWaitMs: 20, clock: systemClock, ...options })
  const reader = new SqliteReader({ path, clock: options.clock ?? systemClock, now: () => store.now() })
  onTestFinished(async () => {
    await reader.close()
    await store.close()
  })
  return Object.assign(store, { reader })
}

export function read(path: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    db.close()
  }
}

/** Changes the file behind the store's back. */
export function change(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

export async function claimInOrder(store: Store): Promise<ClaimedDelivery[]> {
  return (await store.claim([wanting('a', { limit: 100, ordered: true })])).deliveries
}
