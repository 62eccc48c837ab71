import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { migrate } from '../../src/store/sqlite/migrations.ts'
import { accepted, median } from './measurement.ts'
import { startBenchServer } from './postgres-database.ts'
import { writeEvents } from './postgres-events.ts'
import { startRelay } from './processes.ts'
import type { RunningRelay } from './processes.ts'

// How long acceptance takes while a million deliveries wait, with and without /metrics being scraped 20 times a second. The
// two take turns on one relay, so that what else the machine does meanwhile disturbs both.

/** Of no configured hook, so that they stay. */
const HOOK = 'gone'
const PENDING = 1_000_000
const SCRAPE_EVERY_MS = 50
const PER_SECOND = 200
const COUNT = 4000

export async function measureReading(secret: string, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const path = join(folder, 'relay.db')
  writeToFile(path)
  await measure('sqlite', secret, rounds, `sqlite:${path}`)
  rmSync(folder, { recursive: true })

  const server = await startBenchServer()
  const database = await server.newDatabase()
  const { url, client } = database
  await writeEvents(client, { count: PENDING, hook: HOOK, state: 'pending' })
  await client.query('vacuum analyze')
  await server.checkpoint()
  await measure('postgres', secret, rounds, url)
  await database.drop()
  await server.remove()
}

async function measure(store: string, secret: string, rounds: number, databaseUrl: string): Promise<void> {
  const relay = await startRelay(secret, [], databaseUrl)
  const load = { secret, connections: 32, perSecond: PER_SECOND, count: COUNT }
  // The first ones pay for the pages of what was written into the store.
  await accepted([relay.port], { ...load, perSecond: 1000 })
  const lines = { 'not scraped': newFigures(), 'scraped 20 times a second': newFigures() }
  const scrapes: number[] = []
  for (let turn = 0; turn < rounds * 2; turn++) {
    // Each comes first in every other round.
    const isScraped = turn % 4 === 1 || turn % 4 === 2
    const figures = lines[isScraped ? 'scraped 20 times a second' : 'not scraped']
    const stopScraping = isScraped ? scrape(relay, scrapes) : async () => {}
    const sorted = (await accepted([relay.port], load)).latenciesMs.toSorted((x, y) => x - y)
    await stopScraping()
    figures.p50.push(sorted[Math.floor(sorted.length * 0.5)] as number)
    figures.p99.push(sorted[Math.floor(sorted.length * 0.99)] as number)
    figures.longest.push(sorted.at(-1) as number)
  }
  await relay.stop()
  console.log(`reading, ${store}, ${PENDING} pending, ${PER_SECOND} acceptances a second, ${rounds} rounds`)
  for (const [name, { p50, p99, longest }] of Object.entries(lines)) {
    console.log(
      `  ${name}: p50 ${median(p50).toFixed(1)} ms, p99 ${median(p99).toFixed(1)} ms, longest ${median(longest).toFixed(1)} ms ` +
        `(of all rounds ${Math.max(...longest).toFixed(1)} ms)`,
    )
  }
  console.log(
    `  ${scrapes.length} scrapes: median ${median(scrapes).toFixed(1)} ms, longest ${Math.max(...scrapes).toFixed(1)} ms`,
  )
}

function newFigures() {
  return { p50: [] as number[], p99: [] as number[], longest: [] as number[] }
}

/** Asks at an even pace, whatever has become of the questions before. Every scrape has to show the pending deliveries. */
function scrape({ operatorUrl }: RunningRelay, times: number[]): () => Promise<void> {
  const underWay = new Set<Promise<void>>()
  let isStopped = false
  const asking = (async () => {
    for (let next = performance.now(); !isStopped; next += SCRAPE_EVERY_MS) {
      await delay(Math.max(0, next - performance.now()))
      const one = timedScrape(operatorUrl, times)
      underWay.add(one)
      void one.finally(() => underWay.delete(one))
    }
  })()
  return async () => {
    isStopped = true
    await asking
    await Promise.all(underWay)
  }
}

async function timedScrape(operatorUrl: string, times: number[]): Promise<void> {
  const startedAt = performance.now()
  const text = await (await fetch(`${operatorUrl}/metrics`)).text()
  times.push(performance.now() - startedAt)
  const pending = Number(/^seam_relay_deliveries_pending\{hook="gone"\} (\d+)$/m.exec(text)?.[1])
  if (pending !== PENDING) throw new Error(`a scrape showed ${pending} pending`)
}

/** Straight into the file, because a million events through the store take minutes. */
function writeToFile(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('pragma auto_vacuum = incremental; pragma journal_mode = wal')
  migrate(db)
  const rows = `from (with recursive c (n) as (select 1 union all select n + 1 from c where n < ${PENDING})
    select n, ${Date.now()} - ${PENDING} + n as at from c)`
  db.exec(`begin;
    insert into event_ids (webhook_id, content_hash, accepted_at, last_seen_at) select n, 'x', at, at ${rows};
    insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
        is_sample, accepted_at, body)
      select n, n, n, 'm', 'acs_credential.issued', 'w', n, 't', 0, at, printf('%.402c', 'x') ${rows};
    insert into deliveries (event_seq, hook, state, due_at, active_since, order_key)
      select n, '${HOOK}', 'pending', at, at, n ${rows};
    commit;
    pragma wal_checkpoint(truncate)`)
  db.close()
}
