import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judge } from '../../src/events/judge.ts'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { AcceptRequest, PruneCursor, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import { startBenchServer } from './postgres-database.ts'
import { relationSizes } from './postgres-relations.ts'

// What forgetting costs: the store is filled, emptied step by step while acceptance goes on, and filled again.
//   node test/bench/retention.ts [events, 1000000 by default] [limit of a prune step, 100 by default] [sqlite or postgres]

const total = Number(process.argv[2] ?? 1_000_000)
const limit = Number(process.argv[3] ?? 100)
const GROUP = 500
/** So many acceptances wait together while the store is emptied. */
const ACCEPTING_AT_ONCE = 8

const subject = process.argv[4] === 'postgres' ? await onPostgres() : await onSqlite()
try {
  await run()
} finally {
  await subject.remove()
}

async function run(): Promise<void> {
  const { store } = subject
  console.log(`${total} events of ${acceptance().event.body.length} bytes, one delivered delivery each`)
  await fill('filled')

  const idleUntil = performance.now() + 5000
  const idle = await acceptWhile(store, async () => {
    while (performance.now() < idleUntil) await store.check()
  })
  printWaits('accept without pruning', idle)
  await printSize('with those')
  const fullAt = performance.now()

  let steps = 0
  let pruned = 0
  let longestStepMs = 0
  const startedAt = performance.now()
  const busy = await acceptWhile(store, async () => {
    let after: PruneCursor | null = null
    do {
      const stepAt = performance.now()
      // Older than what was accepted since the store was full.
      const request = { payloadAgeMs: stepAt - fullAt, dedupAgeMs: 86_400_000, limit }
      const result = await store.prune(after === null ? request : { ...request, after })
      longestStepMs = Math.max(longestStepMs, performance.now() - stepAt)
      after = result.next
      pruned += result.pruned
      steps++
    } while (after !== null)
  })
  printWaits('accept while pruning', busy)
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `pruned ${pruned} in ${steps} steps of ${limit} in ${seconds.toFixed(1)} s, longest step ${longestStepMs.toFixed(1)} ms`,
  )
  await printSize('pruned')
  await fill('filled again')
  await store.close()
  await printSize('closed')
}

/** Takes the events in, delivers them, and says how large the file is then. */
async function fill(what: string): Promise<void> {
  const { store } = subject
  const startedAt = performance.now()
  for (let n = 0; n < total; n += GROUP) {
    await Promise.all(Array.from({ length: GROUP }, () => store.accept(acceptance())))
    const { deliveries } = await store.claim([
      { hook: 'one', limit: 2 * GROUP, maxBytes: Infinity, leaseMs: 60_000 },
    ])
    const record = { durationMs: 5, status: 204, errorCode: null, answer: null }
    await store.settle(deliveries.map((delivery) => ({ ...delivery, record, next: { state: 'delivered' } })))
  }
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${what} in ${seconds.toFixed(1)} s, ${Math.round(total / seconds)} events/s`)
  await printSize(what)
}

/** How long each acceptance waited that was asked for while something else was done, in milliseconds. */
async function acceptWhile(store: Store, work: () => Promise<void>): Promise<number[]> {
  const waits: number[] = []
  let going = true
  const accepting = Array.from({ length: ACCEPTING_AT_ONCE }, async () => {
    while (going) {
      const request = acceptance()
      const startedAt = performance.now()
      await store.accept(request)
      waits.push(performance.now() - startedAt)
    }
  })
  await work()
  going = false
  await Promise.all(accepting)
  return waits
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
    deliveries: [{ hook: 'one' }],
  }
}

function printWaits(what: string, waits: number[]): void {
  const sorted = waits.toSorted((one, other) => one - other)
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1)
  console.log(
    `${what}: ${waits.length}, waited ${at(0.5)} ms (median), ${at(0.99)} (p99), ${at(0.999)} (p99.9), ${at(1)} (longest)`,
  )
}

async function printSize(what: string): Promise<void> {
  console.log([`${what}:`, ...(await subject.size())].join('\n'))
}

/** A store, what it takes on disk, and how it is done away with. */
interface Subject {
  store: Store
  size(): Promise<string[]>
  remove(): Promise<void>
}

async function onSqlite(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const path = join(folder, 'relay.db')
  const mebibytes = (file: string) => (existsSync(file) ? statSync(file).size / 1_048_576 : 0).toFixed(1)
  return {
    store: await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock }),
    size: async () => [`${mebibytes(path)} MiB, and ${mebibytes(`${path}-wal`)} MiB of log`],
    remove: async () => rmSync(folder, { recursive: true }),
  }
}

async function onPostgres(): Promise<Subject> {
  const server = await startBenchServer()
  const database = await server.newDatabase()
  const log = { info() {}, warn() {} }
  return {
    store: await PostgresStore.open({
      url: database.url,
      log,
      version: '0.0.0',
      startTimeoutMs: 10_000,
      clock: systemClock,
    }),
    size: () => relationSizes(database.client),
    async remove() {
      await database.drop()
      await server.remove()
    },
  }
}
