import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createReplays } from '../../src/operator/replays.ts'
import { ReplayRunner } from '../../src/replays/replay-runner.ts'
import { PostgresReader } from '../../src/store/postgres/postgres-reader.ts'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { Reader } from '../../src/store/reader.ts'
import { SqliteReader } from '../../src/store/sqlite/sqlite-reader.ts'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreError } from '../../src/store/store.ts'
import type { ReplayJob } from '../../src/store/replay-jobs.ts'
import type { AcceptRequest, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { judge } from '../../src/events/judge.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import { startBenchServer } from './postgres-database.ts'
import { writeEvents } from './postgres-events.ts'

// How long acceptance waits while a million delivered deliveries are replayed, beside how long it waits without that. The
// two take turns, so that what else the machine does meanwhile disturbs both. The replay is asked for, counted and done as in
// the relay, by its own loop; nobody delivers what was put back.

const HOOK = 'one'
const DELIVERED = 1_000_000
const TURNS = 6
const TURN_MS = 8000
/** One acceptance begins at each of these, whatever has become of those before it. */
const EVERY_MS = 5

export async function measureReplay(): Promise<void> {
  await onSqlite()
  await onPostgres()
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const path = join(folder, 'relay.db')
  const store = await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock })
  const reader = new SqliteReader({ path, clock: systemClock, now: () => store.now() })
  try {
    writeToFile(path)
    await measure('sqlite', store, reader)
  } finally {
    await reader.close()
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

async function onPostgres(): Promise<void> {
  const server = await startBenchServer()
  const database = await server.newDatabase()
  const { url, client } = database
  const log = { info() {}, warn() {} }
  const store = await PostgresStore.open({
    url,
    version: '0.0.0',
    log,
    startTimeoutMs: 10_000,
    clock: systemClock,
  })
  const reader = new PostgresReader({ url, clock: systemClock })
  try {
    await writeEvents(client, { count: DELIVERED, hook: HOOK, state: 'delivered' })
    await client.query('vacuum analyze')
    await server.checkpoint()
    await measure('postgres', store, reader)
  } finally {
    await reader.close()
    await store.close()
    await database.drop()
    await server.remove()
  }
}

async function measure(name: string, store: Store, reader: Reader): Promise<void> {
  const log = { info() {}, error: (about: object, message: string) => console.error(message, about) }
  const replays = createReplays({ store, reader, hooks: () => [], clock: systemClock, log, onBegun() {} })
  const filter = { hook: HOOK, states: ['delivered'] } as const
  // The first ones after the filling pay for its pages.
  await accepting(store, newWaits(), 3000)
  const [without, counting, during] = [newWaits(), newWaits(), newWaits()]
  const { id } = await accepting(store, counting, 0, () => replays.replay(filter))
  for (let turn = 0; turn < TURNS; turn++) {
    await accepting(store, without, TURN_MS)
    const runner = new ReplayRunner({
      store,
      orderedHooks: () => [],
      clock: systemClock,
      log,
      onDue() {},
    })
    runner.start()
    await accepting(store, during, TURN_MS)
    await runner.stop()
  }
  const { wouldReplay, replayed } = (await reader.findReplay(id)) as ReplayJob
  const told: [string, Waits][] = [
    ['without a replay', without],
    [`while ${wouldReplay} are counted`, counting],
    [`while ${replayed} of them are replayed`, during],
  ]
  for (const [what, waits] of told) console.log(`replay, ${name}, acceptance ${what}: ${shown(waits)}`)
}

interface Waits {
  waits: number[]
  refused: number
  spentMs: number
}

function newWaits(): Waits {
  return { waits: [], refused: 0, spentMs: 0 }
}

/** Takes events in at a steady rate until the work is done, at least for so long. */
async function accepting<T = void>(
  store: Store,
  result: Waits,
  atLeastMs: number,
  work: () => Promise<T> = () => Promise.resolve(undefined as T),
): Promise<T> {
  const startedAt = performance.now()
  let isDone = false
  const working = work().finally(() => (isDone = true))
  const pending = new Set<Promise<void>>()
  for (let n = 1; !isDone || performance.now() - startedAt < atLeastMs; n++) {
    const accepted = accept(store, result).finally(() => pending.delete(accepted))
    pending.add(accepted)
    const restMs = startedAt + n * EVERY_MS - performance.now()
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
  }
  await Promise.all(pending)
  result.spentMs += performance.now() - startedAt
  return working
}

async function accept(store: Store, result: Waits): Promise<void> {
  const request = acceptance()
  const startedAt = performance.now()
  try {
    await store.accept(request)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    result.refused++
  }
  result.waits.push(performance.now() - startedAt)
}

function acceptance(): AcceptRequest {
  const judgement = judge(Buffer.from(JSON.stringify(credentialEvent())), ['*'])
  if (judgement.kind !== 'event') throw new Error('the bench meant this to be an event')
  const { event } = judgement
  return {
    dedupKey: event.eventId,
    webhookId: event.eventId,
    messageId: newMessageId(),
    source: 'webhook',
    event,
    deliveries: [{ hook: 'other' }],
  }
}

function shown({ waits, refused, spentMs }: Waits): string {
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity).toFixed(1)
  return (
    `median ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, longest ${at(1)} ms, ` +
    `${refused} of ${waits.length} refused, in ${(spentMs / 1000).toFixed(0)} s`
  )
}

/** Straight into the file, because a million events through the store take minutes. */
function writeToFile(path: string): void {
  const db = new DatabaseSync(path)
  const rows = `from (with recursive c (n) as (select 1 union all select n + 1 from c where n < ${DELIVERED})
    select n, ${Date.now() - DELIVERED} + n as at from c)`
  db.exec(`begin;
    insert into event_ids (webhook_id, content_hash, accepted_at, last_seen_at) select n, 'x', at, at ${rows};
    insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
        is_sample, accepted_at, body)
      select n, n, n, 'm', 'acs_credential.issued', 'w', hex(randomblob(16)), 't', 0, at, printf('%.402c', 'x') ${rows};
    insert into deliveries (event_seq, hook, state, attempts, active_since, settled_at, order_key)
      select n, '${HOOK}', 'delivered', 1, at, at, (select credential_id from events where seq = n) ${rows};
    commit; pragma wal_checkpoint(truncate)`)
  db.close()
}
