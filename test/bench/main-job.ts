import { measureAnswers, measureDelivered, measureRounds, printTable, ratio } from './measurement.ts'
import type { Load, Measurement } from './measurement.ts'
import { startBaseline, startReceiver, startRelay } from './processes.ts'

// Custody and delivery on the embedded store, against handlers that keep nothing.

export async function measureMainJob(load: Load, rounds: number): Promise<void> {
  const { secret, connections } = load
  const lines = {
    'a  bare handler: verify, parse, judge': async () => {
      const server = await startBaseline(secret)
      const measured = await measureAnswers([server.port], load)
      await server.stop()
      return measured
    },
    'b  seam-relay without hooks': async () => {
      const relay = await startRelay(secret, [])
      const measured = await measureAnswers([relay.port], load)
      const peakMemoryMiB = relay.peakMemoryMiB()
      await relay.stop()
      return { ...measured, peakMemoryMiB }
    },
    'c  plain handler: verify, Set, one fetch': () => forwarding('fetch'),
    'C  the same by a pool of connections': () => forwarding('pool'),
    'd  seam-relay with one hook, to last settled': async () => {
      const receiver = await startReceiver()
      const hook = {
        name: 'bench',
        url: `http://127.0.0.1:${receiver.port}/hook`,
        secrets: [secret],
        concurrency: connections,
      }
      const relay = await startRelay(secret, [hook])
      const measured = await measureDelivered([relay], receiver, load)
      const peakMemoryMiB = relay.peakMemoryMiB()
      await relay.stop()
      await receiver.stop()
      return { ...measured, peakMemoryMiB }
    },
  }

  async function forwarding(by: 'fetch' | 'pool'): Promise<Measurement> {
    const receiver = await startReceiver()
    const server = await startBaseline(secret, { url: `http://127.0.0.1:${receiver.port}/hook`, by })
    const measured = await measureAnswers([server.port], load)
    await server.stop()
    await receiver.stop()
    return measured
  }

  const results = await measureRounds(lines, rounds)
  console.log(`${load.count} events over ${connections} connections, medians of ${rounds} rounds\n`)
  printTable(results)
  const [a, b, c, pooled, d] = Object.values(results)
  if (a && b && c && pooled && d)
    console.log(`\nb/a ${ratio(b, a)}   d/c ${ratio(d, c)}   d/C ${ratio(d, pooled)}\n`)
}
