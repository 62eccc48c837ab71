import { randomBytes } from 'node:crypto'
import { measureDelivery } from './delivery.ts'
import { measureMainJob } from './main-job.ts'
import { measureOrderedBacklog } from './ordered-backlog.ts'
import { measurePeople } from './people.ts'
import { measurePostgres } from './postgres.ts'
import { measureReading } from './reading.ts'
import { measureReconcile } from './reconcile.ts'
import { measureReplay } from './replay.ts'
import { measureStrangers } from './strangers.ts'
import { compareVersions } from './versions.ts'

// npm run bench [-- --only main|delivery|strangers|postgres|ordered|replay|reading|reconcile|people --rounds N --events N]
// npm run bench -- --before FOLDER: this version against the one checked out there, and nothing else

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
  people: () => measurePeople(load, rounds),
}

const before = option('before')
const only = option('only')
if (before !== undefined) await compareVersions(load, rounds, before)
else if (only !== undefined && !(only in parts))
  throw new Error(`--only: one of ${Object.keys(parts).join(', ')}`)
for (const [name, measure] of Object.entries(parts)) {
  if (before === undefined && (only === undefined || only === name)) await measure()
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
