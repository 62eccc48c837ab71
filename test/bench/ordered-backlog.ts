import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { ClaimWant, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { startBenchServer } from './postgres-database.ts'
import { writeEvents } from './postgres-events.ts'

// Ordered claim and settle with 50,000 waiting, of few credentials and of many, after 300,000 that were delivered. The
// statements are prepared while nothing waits, as in a relay that was started before its receiver went away.

const HOOK = 'one'
const DELIVERED = 300_000
const WAITING = 50_000
const ROUNDS = 200
const WANT: ClaimWant = { hook: HOOK, limit: 16, maxBytes: 8_388_608, leaseMs: 600_000, ordered: true }
const RECORD = { durationMs: 5, status: 204, errorCode: null, answer: null }

export async function measureOrderedBacklog(): Promise<void> {
  for (const credentials of [4, 1000, WAITING]) {
    console.log(
      `ordered, ${WAITING} waiting of ${credentials} credentials, sqlite: ${await onSqlite(credentials)}`,
    )
    console.log(
      `ordered, ${WAITING} waiting of ${credentials} credentials, postgres: ${await onPostgres(credentials)}`,
    )
  }
}

async function onSqlite(credentials: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const path = join(folder, 'relay.db')
  const store = await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock })
  try {
    await prepareAll(store)
    writeToFile(path, credentials)
    return await measure(store)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

async function onPostgres(credentials: number): Promise<string> {
  const server = await startBenchServer()
  const database = await server.newDatabase()
  const { url, client } = database
  const log = { info() {}, warn() {} }
  const store = await PostgresStore.open({
    url,
    log,
    version: '0.0.0',
    startTimeoutMs: 10_000,
    clock: systemClock,
  })
  try {
    await client.query('alter table seam_relay.deliveries set (autovacuum_enabled = off)')
    await writeEvents(client, { count: DELIVERED, hook: HOOK, state: 'delivered', credentials })
    await client.query('vacuum analyze')
    await prepareAll(store)
    await writeEvents(client, { count: WAITING, hook: HOOK, state: 'pending', credentials })
    return await measure(store)
  } finally {
    await store.close()
    await database.drop()
    await server.remove()
  }
}

/** On every connection that the store has for claims and settlements. */
async function prepareAll(store: Store): Promise<void> {
  const nothing = {
    eventSeq: -1,
    hook: HOOK,
    leaseToken: 1,
    record: RECORD,
    next: { state: 'delivered' },
  } as const
  for (let n = 0; n < 10; n++) {
    await Promise.all([1, 2, 3].map(() => store.claim([WANT])))
    await Promise.all([1, 2, 3].map(() => store.settle([nothing])))
  }
}

async function measure(store: Store): Promise<string> {
  const claims: number[] = []
  const settles: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { deliveries } = await timed(claims, () => store.claim([WANT]))
    const settlements = deliveries.map((delivery) => ({
      ...delivery,
      record: RECORD,
      next: { state: 'delivered' } as const,
    }))
    if (settlements.length > 0) await timed(settles, () => store.settle(settlements))
  }
  return `claim ${shown(claims)}, settle ${shown(settles)}`
}

async function timed<T>(times: number[], ask: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await ask()
  times.push(performance.now() - startedAt)
  return result
}

function shown(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity).toFixed(1)
  return `median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms, longest ${at(1)} ms`
}

/** Straight into the file, because 350,000 events through the store take a minute. The log is copied back before it is measured. */
function writeToFile(path: string, credentials: number): void {
  const db = new DatabaseSync(path)
  const waiting = `n > ${DELIVERED}`
  const rows = `from (with recursive c (n) as (select 1 union all select n + 1 from c where n < ${DELIVERED + WAITING})
    select n, ${Date.now()} - ${DELIVERED + WAITING} + n as at, 'credential-' || n % ${credentials} as credential from c)`
  db.exec(`begin;
    insert into event_ids (webhook_id, content_hash, accepted_at, last_seen_at) select n, 'x', at, at ${rows};
    insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
        is_sample, accepted_at, body)
      select n, n, n, 'm', 'acs_credential.issued', 'w', credential, 't', 0, at, printf('%.402c', 'x') ${rows};
    insert into deliveries (event_seq, hook, state, due_at, active_since, settled_at, order_key)
      select n, '${HOOK}', iif(${waiting}, 'pending', 'delivered'), iif(${waiting}, at, null), at,
        iif(${waiting}, null, at), credential ${rows};
    commit; pragma wal_checkpoint(truncate)`)
  db.close()
}
