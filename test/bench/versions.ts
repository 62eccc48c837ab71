import { resolve } from 'node:path'
import { startBenchServer } from './postgres-database.ts'
import type { BenchServer } from './postgres-database.ts'
import {
  measureAnswers,
  measureDelivered,
  measureRounds,
  median,
  printTable,
  ratio,
  warmUp,
} from './measurement.ts'
import type { Line, Load, Measurement } from './measurement.ts'
import { startReceiver, startRelay } from './processes.ts'
import type { RunningRelay } from './processes.ts'

// What a version costs that came after another: acceptance and the main job of both, in turns. The load, the receiver and
// the database are those of this checkout; only the relay is the other's.

/** @param before the folder in which the other version is checked out, with its packages */
export async function compareVersions(load: Load, rounds: number, before: string): Promise<void> {
  const server = await startBenchServer()
  try {
    await compareOn('SQLite', null, load, rounds, resolve(before))
    await compareOn('Postgres', server, load, rounds, resolve(before))
  } finally {
    await server.remove()
  }
}

async function compareOn(
  store: string,
  server: BenchServer | null,
  load: Load,
  rounds: number,
  before: string,
): Promise<void> {
  const line = (measure: Measure, checkout?: string): Line => {
    return async () => {
      const database = await server?.emptyDatabase()
      const measured = await measure(load, (hooks) =>
        startRelay(load.secret, hooks, database?.url, {}, checkout),
      )
      await database?.drop()
      return measured
    }
  }
  const results = await measureRounds(
    {
      'b  no hooks, before': line(acceptance, before),
      'b  no hooks, now': line(acceptance),
      'd  one hook, before': line(mainJob, before),
      'd  one hook, now': line(mainJob),
    },
    rounds,
  )
  console.log(
    `${store}: ${load.count} events over ${load.connections} connections, medians of ${rounds} rounds\n`,
  )
  printTable(results)
  for (const name of ['b  no hooks', 'd  one hook'] as const) {
    const [now, then] = [results[`${name}, now`], results[`${name}, before`]]
    const [nowUs, thenUs] = [now, then].map((of) =>
      median(of.map(({ processorUs = NaN }) => processorUs)).toFixed(0),
    )
    console.log(
      `${name}: now/before ${ratio(now, then)}; processor time of the relay for an event ${nowUs} µs, before ${thenUs} µs, ` +
        `ratio ${ratio(now, then, 'processorUs')}`,
    )
  }
  console.log()
}

type Measure = (load: Load, start: (hooks: unknown[]) => Promise<RunningRelay>) => Promise<Measurement>

const acceptance: Measure = async (load, start) => {
  const relay = await start([])
  return ended(relay, await measureAnswers([relay.port], load), load)
}

const mainJob: Measure = async (load, start) => {
  const receiver = await startReceiver()
  const hook = {
    name: 'bench',
    url: `http://127.0.0.1:${receiver.port}/hook`,
    secrets: [load.secret],
    concurrency: load.connections,
  }
  const relay = await start([hook])
  const measured = await measureDelivered([relay], receiver, load)
  await receiver.stop()
  return ended(relay, measured, load)
}

async function ended(relay: RunningRelay, measured: Measurement, load: Load): Promise<Measurement> {
  // With the start, which both versions have alike, and the warm-up.
  const processorUs = (relay.processorSeconds() * 1e6) / (load.count + warmUp(load))
  const peakMemoryMiB = relay.peakMemoryMiB()
  await relay.stop()
  return { ...measured, processorUs, peakMemoryMiB }
}
