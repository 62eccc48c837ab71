import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { measureDelivery } from './delivery.ts'
import type { LoadResult } from './load.ts'
import { sendLoad, startBaseline, startReceiver, startRelay } from './processes.ts'

// npm run bench [-- --rounds N --events N]

const secret = `whsec_${randomBytes(24).toString('base64')}`
const rounds = option('rounds', 5)
const count = option('events', 20_000)
const warmUp = Math.min(count, 4000)
const connections = 64

interface Measurement {
  perSecond: number
  p50Ms: number
  p99Ms: number
  peakMemoryMiB?: number
}

const scenarios: Record<string, () => Promise<Measurement>> = {
  'a  bare handler: verify, parse, judge': async () => {
    const server = await startBaseline(secret)
    const measured = await measureLoad(server.port)
    await server.stop()
    return measured
  },
  'b  seam-relay without hooks': async () => {
    const relay = await startRelay(secret, [])
    const measured = await measureLoad(relay.port)
    const peakMemoryMiB = relay.peakMemoryMiB()
    await relay.stop()
    return { ...measured, peakMemoryMiB }
  },
  'c  plain handler: verify, Set, one forward': async () => {
    const receiver = await startReceiver()
    const server = await startBaseline(secret, `http://127.0.0.1:${receiver.port}/hook`)
    const measured = await measureLoad(server.port)
    await server.stop()
    await receiver.stop()
    return measured
  },
  'd  seam-relay with one hook, to last settled': async () => {
    const receiver = await startReceiver()
    const hook = {
      name: 'bench',
      url: `http://127.0.0.1:${receiver.port}/hook`,
      secrets: [secret],
      concurrency: connections,
    }
    const relay = await startRelay(secret, [hook])
    const settled = async (total: number) => {
      while ((await receiver.count()) < total) await delay(5)
      while ((await relay.counter('seam_relay_deliveries_settled_total', 'delivered')) < total) await delay(5)
    }
    await load(relay.port, warmUp)
    await settled(warmUp)
    const sent = await load(relay.port, count)
    await settled(warmUp + count)
    const seconds = (Date.now() - sent.startedAt) / 1000
    const peakMemoryMiB = relay.peakMemoryMiB()
    await relay.stop()
    await receiver.stop()
    return { ...measurementOf(sent, seconds), peakMemoryMiB }
  },
}

await main()

async function main(): Promise<void> {
  const results = new Map<string, Measurement[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(scenarios)) {
      results.set(name, [...(results.get(name) ?? []), await measure()])
    }
  }
  console.log(`${count} events over ${connections} connections, medians of ${rounds} rounds\n`)
  console.log('| | events/s | p50 ms | p99 ms | peak MiB |\n| --- | ---: | ---: | ---: | ---: |')
  for (const [name, measurements] of results) {
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
  const [a, b, c, d] = [...results.values()] as [Measurement[], Measurement[], Measurement[], Measurement[]]
  console.log(`\nb/a ${ratio(b, a)}   d/c ${ratio(d, c)}\n`)
  for (const line of await measureDelivery(secret, rounds, count)) console.log(line)
}

async function measureLoad(port: number): Promise<Measurement> {
  await load(port, warmUp)
  const result = await load(port, count)
  return measurementOf(result, result.seconds)
}

async function load(port: number, events: number): Promise<LoadResult> {
  const result = await sendLoad({ port, path: '/webhooks/seam', secret, count: events, connections })
  if (result.statuses['202'] !== events)
    throw new Error(`not every event was accepted: ${JSON.stringify(result.statuses)}`)
  return result
}

function measurementOf({ latenciesMs }: LoadResult, seconds: number): Measurement {
  const sorted = latenciesMs.toSorted((x, y) => x - y)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] as number
  return { perSecond: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** The median of the rounds' ratios, each round having run both under the same weather. */
function ratio(ours: Measurement[], theirs: Measurement[]): string {
  return median(
    ours.map(({ perSecond }, round) => perSecond / (theirs[round] as Measurement).perSecond),
  ).toFixed(2)
}

function median(values: number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] as number
}

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
