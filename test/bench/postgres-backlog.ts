import { accepted, measureRounds, measurementOf, printTable, ratio } from './measurement.ts'
import type { Line, Load } from './measurement.ts'
import type { BenchServer } from './postgres-database.ts'
import { writeEvents } from './postgres-events.ts'
import { startReceiver, startRelay } from './processes.ts'

// What taking in costs while 100,000 deliveries wait and are claimed, sent and settled all the time: a receiver that
// takes its time keeps the backlog from being gone before the end.

const PENDING = 100_000
const HOOK = { name: 'bench', concurrency: 16 }
const RECEIVER_MS = 30
/** Slower than the hook delivers, so that without a backlog none grows. */
const PER_SECOND = 250

export async function comparePending(server: BenchServer, load: Load, rounds: number): Promise<void> {
  const paced = { ...load, perSecond: PER_SECOND, count: Math.min(load.count, 5000) }
  const results = await measureRounds(
    {
      'at an even pace, none pending': beside(server, paced, 0),
      'at an even pace, backlog': beside(server, paced, PENDING),
      'as fast as it goes, none pending': beside(server, load, 0),
      'as fast as it goes, backlog': beside(server, load, PENDING),
    },
    rounds,
  )
  console.log(
    `one hook, ${HOOK.concurrency} at once, each answered after ${RECEIVER_MS} ms; the pace ${PER_SECOND}/s, ` +
      `the backlog ${PENDING} pending; medians of ${rounds} rounds\n`,
  )
  printTable(results)
  const of = (pace: 'at an even pace' | 'as fast as it goes') =>
    ratio(results[`${pace}, backlog`], results[`${pace}, none pending`], 'p99Ms')
  console.log(
    `\np99 with backlog/none pending: ${of('at an even pace')}   fast ${of('as fast as it goes')}\n`,
  )
}

function beside(server: BenchServer, load: Load, pending: number): Line {
  return async () => {
    const database = await server.newDatabase()
    await writeEvents(database.client, { count: pending, hook: HOOK.name, state: 'pending' })
    await database.client.query('vacuum analyze')
    await server.checkpoint()
    const receiver = await startReceiver(RECEIVER_MS)
    const hook = { ...HOOK, url: `http://127.0.0.1:${receiver.port}/hook`, secrets: [load.secret] }
    const relay = await startRelay(load.secret, [hook], database.url)
    await accepted([relay.port], { ...load, count: Math.min(load.count, 1000) })
    const before = await receiver.count()
    const sent = await accepted([relay.port], load)
    if ((await receiver.count()) === before) throw new Error('nothing was delivered beside')
    const peakMemoryMiB = relay.peakMemoryMiB()
    await relay.stop()
    await receiver.stop()
    await database.drop()
    return { ...measurementOf(sent, sent.seconds), peakMemoryMiB }
  }
}
