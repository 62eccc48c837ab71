import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { accepted } from './measurement.ts'
import { startBenchServer } from './postgres-database.ts'
import { mebibytes, relationsOf } from './postgres-relations.ts'
import { startReceiver, startRelay } from './processes.ts'

// What dead rows come to: events go through the relay end to end, and it is looked at how many dead rows lie in the
// table of deliveries meanwhile, how often it is vacuumed, and how large its indices become.
//   node test/bench/postgres-vacuum.ts [events, 200000 by default] [of these a second, as fast as it goes by default]

const total = Number(process.argv[2] ?? 200_000)
const perSecond = process.argv[3] === undefined ? {} : { perSecond: Number(process.argv[3]) }
const secret = `whsec_${randomBytes(24).toString('base64')}`
const LOT = Math.min(20_000, total)

const server = await startBenchServer()
try {
  await run()
} finally {
  await server.remove()
}

async function run(): Promise<void> {
  const database = await server.newDatabase()
  const receiver = await startReceiver()
  const hook = {
    name: 'bench',
    url: `http://127.0.0.1:${receiver.port}/`,
    concurrency: 64,
    secrets: [secret],
  }
  const relay = await startRelay(secret, [hook], database.url)

  const print = async (events: number, perSecond: string): Promise<void> => {
    const relations = await relationsOf(database.client)
    const of = (name: string) => relations.find((relation) => relation.name === name)
    const sizes = ['deliveries', 'deliveries_pkey', 'deliveries_due', 'deliveries_order'].map((name) =>
      mebibytes(of(name)?.bytes ?? 0),
    )
    const { deadRows = 0, autovacuums = 0 } = of('deliveries') ?? {}
    console.log(`| ${[events, perSecond, deadRows, autovacuums, ...sizes].join(' | ')} |`)
  }
  console.log(
    '| events | events/s | dead rows | autovacuums | deliveries MiB | pkey MiB | due MiB | order MiB |\n' +
      '| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  )
  for (let sent = LOT; sent <= total; sent += LOT) {
    const startedAt = performance.now()
    await accepted([relay.port], { secret, count: LOT, connections: 64, ...perSecond })
    while ((await relay.counter('seam_relay_deliveries_settled_total', 'delivered')) < sent) await delay(20)
    await print(sent, ((LOT * 1000) / (performance.now() - startedAt)).toFixed(0))
  }
  // The launcher comes around once a minute.
  await delay(70_000)
  await print(total, 'a minute later')
  await relay.stop()
  await receiver.stop()
  await database.drop()
}
