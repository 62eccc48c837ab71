import { sendLoad } from './processes.ts'
import type { LoadResult } from './load.ts'
import type { RunningReceiver, RunningRelay } from './processes.ts'
import { setTimeout as delay } from 'node:timers/promises'

// What all tables share: how a line is measured, and how lines are compared and printed.

export interface Measurement {
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Of the relay, or of the largest of them. */
  peakMemoryMiB?: number
  /** Processor time of the relay for each event, in microseconds. */
  processorUs?: number
}

/** A line of a table: sets up what it needs, measures once and clears up. */
export type Line = () => Promise<Measurement>

export interface Load {
  secret: string
  count: number
  connections: number
  perSecond?: number
}

/** Throughput and latency of answers, after a warm-up. */
export async function measureAnswers(ports: readonly number[], load: Load): Promise<Measurement> {
  await accepted(ports, { ...load, count: warmUp(load) })
  const sent = await accepted(ports, load)
  return measurementOf(sent, sent.seconds)
}

/** The same, but a second is one until the last event is written down as delivered. */
export async function measureDelivered(
  relays: readonly RunningRelay[],
  receiver: RunningReceiver,
  load: Load,
): Promise<Measurement> {
  const ports = relays.map(({ port }) => port)
  await accepted(ports, { ...load, count: warmUp(load) })
  await settled(relays, receiver, warmUp(load))
  const sent = await accepted(ports, load)
  await settled(relays, receiver, warmUp(load) + load.count)
  return measurementOf(sent, (Date.now() - sent.startedAt) / 1000)
}

/** So many events come before those that are measured. */
export function warmUp({ count }: Load): number {
  return Math.min(count, 4000)
}

/** Sends the load; every event has to be accepted. */
export async function accepted(ports: readonly number[], load: Load): Promise<LoadResult> {
  const result = await sendLoad({ ...load, ports, path: '/webhooks/seam' })
  if (result.statuses['202'] !== load.count)
    throw new Error(`not every event was accepted: ${JSON.stringify(result.statuses)}`)
  return result
}

/** Waits until so many deliveries have come, and are written down as delivered. */
async function settled(
  relays: readonly RunningRelay[],
  receiver: RunningReceiver,
  total: number,
): Promise<void> {
  while ((await receiver.count()) < total) await delay(5)
  while ((await delivered(relays)) < total) await delay(5)
}

async function delivered(relays: readonly RunningRelay[]): Promise<number> {
  const counts = relays.map((relay) => relay.counter('seam_relay_deliveries_settled_total', 'delivered'))
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

export function measurementOf({ latenciesMs }: LoadResult, seconds: number): Measurement {
  const sorted = latenciesMs.toSorted((x, y) => x - y)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] as number
  return { perSecond: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

export type Results<Name extends string> = Record<Name, Measurement[]>

/** Runs all lines in each round, every other round backwards, so that none always comes after the same one. */
export async function measureRounds<Name extends string>(
  lines: Record<Name, Line>,
  rounds: number,
): Promise<Results<Name>> {
  const names = Object.keys(lines) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, [] as Measurement[]])) as Results<Name>
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await lines[name]())
  }
  return results
}

/** The medians of each line's rounds, as a table in Markdown. */
export function printTable(results: Results<string>): void {
  console.log('| | events/s | p50 ms | p99 ms | peak MiB |\n| --- | ---: | ---: | ---: | ---: |')
  for (const [name, measurements] of Object.entries(results)) {
    const cells = [
      median(measurements.map(({ perSecond }) => perSecond)).toFixed(0),
      median(measurements.map(({ p50Ms }) => p50Ms)).toFixed(1),
      median(measurements.map(({ p99Ms }) => p99Ms)).toFixed(1),
      measurements[0]?.peakMemoryMiB === undefined
        ? ''
        : Math.max(...measurements.map(({ peakMemoryMiB }) => peakMemoryMiB ?? 0)).toFixed(0),
    ]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

/** The median of the rounds' ratios, each round having run both under the same weather, and their span. */
export function ratio(
  ours: readonly Measurement[],
  theirs: readonly Measurement[],
  figure: 'perSecond' | 'p99Ms' | 'processorUs' = 'perSecond',
): string {
  const ratios = ours.map((one, round) => (one[figure] ?? NaN) / (theirs[round]?.[figure] ?? NaN))
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`
}

export function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] as number
}
