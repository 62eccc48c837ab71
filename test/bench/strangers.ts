import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FloodRequest, FloodResult } from './flood.ts'
import { accepted, measurementOf, median, ratio } from './measurement.ts'
import type { Load, Measurement } from './measurement.ts'
import { sendLoad, startRelay } from './processes.ts'
import type { RunningRelay } from './processes.ts'

const FORGED_PER_SECOND = 100
/** How long honest webhooks are sent beside a flood, and how many a second. */
const WATCH_SECONDS = 8
const HONEST_PER_SECOND = 20

/** Lines that say what honest senders notice of strangers, and what it costs in memory. */
export async function measureStrangers(load: Load, rounds: number): Promise<string[]> {
  return [
    await hashFlood(load, rounds, 'text'),
    await hashFlood(load, rounds, 'no UTF-8'),
    await besideAFlood(load, '2,000 forged bodies of 256 KiB, whole, at once', {
      kind: 'complete',
      count: 2000,
    }),
    await besideAFlood(load, '6,000 bodies of 256 KiB left open', { kind: 'open', count: 6000 }),
    await besideAFlood(
      load,
      '20,000 made-up forwarded addresses of 14 kB',
      { kind: 'addresses', count: 20_000 },
      { TRUST_PROXY: 'true' },
    ),
    await besideAFlood(load, '6,000 silent connections', { kind: 'silent', count: 6000 }),
  ]
}

/** Throughput of honest webhooks with forged ones from the same address beside them, by the one without. */
async function hashFlood(load: Load, rounds: number, fill: 'text' | 'no UTF-8'): Promise<string> {
  const without: Measurement[] = []
  const beside: Measurement[] = []
  const busy: string[][] = []
  for (let round = 0; round < rounds; round++) {
    const relay = await startRelay(load.secret, [])
    await accepted([relay.port], { ...load, count: 4000 })
    without.push(await throughput(relay, load))
    // More than enough for the time that it takes; ended with it.
    const paced = {
      kind: 'paced',
      count: 60 * FORGED_PER_SECOND,
      perSecond: FORGED_PER_SECOND,
      fill,
    } as const
    const flood = startFlood({ ...paced, port: relay.port, from: '127.0.0.1' })
    await delay(500)
    const relayBefore = relay.processorSeconds()
    const sent = await accepted([relay.port], load)
    beside.push(measurementOf(sent, sent.seconds))
    const ofTheRelay = relay.processorSeconds() - relayBefore
    const { processorSeconds: ofTheFlood } = await flood.end()
    // The flood runs half a second before and a moment after the honest ones: its share is told a little too large.
    const { seconds } = sent
    busy.push([ofTheRelay, ofTheFlood, sent.processorSeconds].map((used) => (used / seconds).toFixed(2)))
    await relay.stop()
  }
  const rates = [without, beside].map((all) => median(all.map(({ perSecond }) => perSecond)).toFixed(0))
  return (
    `${FORGED_PER_SECOND} forged bodies of 256 KiB a second (${fill}) from an address that has verified: ` +
    `${rates[1]} events/s, without them ${rates[0]}, ratio ${ratio(beside, without)}; ` +
    `processors busy with the relay, the flood, the honest sender: ${busy.map((round) => round.join(' ')).join(', ')}`
  )
}

async function throughput(relay: RunningRelay, load: Load): Promise<Measurement> {
  const sent = await accepted([relay.port], load)
  return measurementOf(sent, sent.seconds)
}

/** How long honest webhooks wait, and how much more memory the relay takes, while a stranger floods it. */
export async function besideAFlood(
  load: Load,
  what: string,
  request: Pick<FloodRequest, 'kind' | 'count'>,
  environment: Record<string, string> = {},
): Promise<string> {
  const relay = await startRelay(load.secret, [], undefined, environment)
  await accepted([relay.port], { ...load, count: 4000 })
  const before = relay.peakMemoryMiB()
  const flood = startFlood({ ...request, port: relay.port, from: '127.0.0.2' })
  const honest = await sendLoad({
    ports: [relay.port],
    path: '/webhooks/seam',
    secret: load.secret,
    count: WATCH_SECONDS * HONEST_PER_SECOND,
    connections: 4,
    perSecond: HONEST_PER_SECOND,
  })
  await flood.sent
  const { statuses, closed } = await flood.end()
  const more = relay.peakMemoryMiB() - before
  await relay.stop()
  return (
    `${what}: honest webhooks ${JSON.stringify(honest.statuses)}, the slowest ${Math.max(...honest.latenciesMs).toFixed(0)} ms, ${honest.lost} sent again; ` +
    `${more.toFixed(0)} MiB more; the stranger was answered ${JSON.stringify(statuses)}, ${closed} connections closed`
  )
}

function startFlood(request: FloodRequest): { sent: Promise<unknown>; end: () => Promise<FloodResult> } {
  const child = fork(new URL('./flood.ts', import.meta.url))
  const sent = once(child, 'message')
  child.send(request)
  return {
    sent,
    async end() {
      const answer = new Promise<FloodResult>((resolve) => {
        child.on('message', (message) => message !== 'sent' && resolve(message as FloodResult))
      })
      child.send('stop')
      const result = await answer
      child.kill()
      return result
    },
  }
}
