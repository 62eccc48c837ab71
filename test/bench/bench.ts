import { randomBytes } from 'node:crypto'
import { measureDelivery } from './delivery.ts'
import { measureMainJob } from './main-job.ts'
import { measureOrderedBacklog } from './ordered-backlog.ts'
import { measurePostgres } from './postgres.ts'
import { measureReading } from './reading.ts'
import { measureReconcile } from './reconcile.ts'
import { measureReplay } from './replay.ts'
import { measureStrangers } from './strangers.ts'

// npm run bench [-- --only main|delivery|strangers|postgres|ordered|replay|reading|reconcile --rounds N --events N]

const load = {
  secret: `whsec_${randomBytes(24).toString('base64')}`,
  count: Number(option('events') ?? 20_000),
  connections: 64,
}
const rounds = Number(option('rounds') ?? 5)

const parts: Record<string, () => Promise<void>> = {
  main: () => measureMainJob(load, rounds),
  async delivery() {
    for (const line of await measureDelivery(load.secret, rounds, load.count)) console.log(line)
  },
  async strangers() {
    for (const line of await measureStrangers(load, rounds)) console.log(line)
  },
  postgres: () => measurePostgres(load, rounds),
  ordered: measureOrderedBacklog,
  replay: measureReplay,
  reading: () => measureReading(load.secret, rounds),
  reconcile: () => measureReconcile(load.secret, rounds, load.count),
}

const only = option('only')
if (only !== undefined && !(only in parts)) throw new Error(`--only: one of ${Object.keys(parts).join(', ')}`)
for (const [name, measure] of Object.entries(parts)) {
  if (only === undefined || only === name) await measure()
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
