import { comparePending } from './postgres-backlog.ts'
import { compareHistory } from './postgres-history.ts'
import { startBenchServer } from './postgres-database.ts'
import type { BenchServer } from './postgres-database.ts'
import { measureAnswers, measureDelivered, measureRounds, printTable, ratio } from './measurement.ts'
import type { Line, Load, Measurement } from './measurement.ts'
import { startReceiver, startRelay } from './processes.ts'
import type { RunningRelay } from './processes.ts'

// The shared store against the embedded one, two replicas against one, and what a backlog and history cost.

export async function measurePostgres(load: Load, rounds: number): Promise<void> {
  const server = await startBenchServer()
  try {
    console.log(`Postgres: ${JSON.stringify(server.settings)}\n`)
    await compareStores(server, load, rounds)
    await comparePending(server, load, rounds)
    await compareHistory(server, 1000, 1_000_000)
  } finally {
    await server.remove()
  }
}

async function compareStores(server: BenchServer, load: Load, rounds: number): Promise<void> {
  const onPostgres = (replicas: number, measure: MeasureRelays): Line => {
    return async () => {
      const database = await server.newDatabase()
      const measured = await measure(Array.from({ length: replicas }, () => database.url))
      await database.drop()
      return measured
    }
  }
  const acceptance: MeasureRelays = (urls) => measureAcceptance(urls, load)
  const delivery: MeasureRelays = (urls) => measureDelivery(urls, load)
  const results = await measureRounds(
    {
      'b  no hooks, SQLite': () => acceptance([undefined]),
      'b  no hooks, Postgres': onPostgres(1, acceptance),
      'b  no hooks, Postgres, two replicas': onPostgres(2, acceptance),
      'd  one hook, SQLite': () => delivery([undefined]),
      'd  one hook, Postgres': onPostgres(1, delivery),
      'd  one hook, Postgres, two replicas': onPostgres(2, delivery),
    },
    rounds,
  )
  console.log(`${load.count} events over ${load.connections} connections, medians of ${rounds} rounds\n`)
  printTable(results)
  const of = (name: keyof typeof results): Measurement[] => results[name]
  const b = ratio(of('b  no hooks, Postgres'), of('b  no hooks, SQLite'))
  const d = ratio(of('d  one hook, Postgres'), of('d  one hook, SQLite'))
  console.log(`\nPostgres/SQLite: b ${b}   d ${d}`)
  const twoB = ratio(of('b  no hooks, Postgres, two replicas'), of('b  no hooks, Postgres'))
  const twoD = ratio(of('d  one hook, Postgres, two replicas'), of('d  one hook, Postgres'))
  console.log(`two replicas/one: b ${twoB}   d ${twoD}\n`)
}

/** One relay for each of the databases' URLs; `undefined` is a file of its own. */
type MeasureRelays = (urls: readonly (string | undefined)[]) => Promise<Measurement>

async function measureAcceptance(urls: readonly (string | undefined)[], load: Load): Promise<Measurement> {
  const relays = await Promise.all(urls.map((url) => startRelay(load.secret, [], url)))
  const ports = relays.map(({ port }) => port)
  return withPeak(relays, await measureAnswers(ports, load))
}

async function measureDelivery(urls: readonly (string | undefined)[], load: Load): Promise<Measurement> {
  const receiver = await startReceiver()
  const hook = {
    name: 'bench',
    url: `http://127.0.0.1:${receiver.port}/hook`,
    secrets: [load.secret],
    concurrency: load.connections,
  }
  const relays = await Promise.all(urls.map((url) => startRelay(load.secret, [hook], url)))
  const measured = await withPeak(relays, await measureDelivered(relays, receiver, load))
  await receiver.stop()
  return measured
}

/** Adds the memory that the largest of the relays took, and ends them. */
async function withPeak(relays: readonly RunningRelay[], measured: Measurement): Promise<Measurement> {
  const peakMemoryMiB = Math.max(...relays.map((relay) => relay.peakMemoryMiB()))
  await Promise.all(relays.map((relay) => relay.stop()))
  return { ...measured, peakMemoryMiB }
}
