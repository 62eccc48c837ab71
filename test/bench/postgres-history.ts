import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { median } from './measurement.ts'
import type { BenchServer } from './postgres-database.ts'
import { writeEvents } from './postgres-events.ts'

const PENDING = 20_000
const CALLS = 300

/** What a claim of 64 takes with little and with much history, turn by turn, plain and ordered. */
export async function compareHistory(server: BenchServer, few: number, many: number): Promise<void> {
  const sides = []
  for (const settled of [few, many]) {
    const database = await server.newDatabase()
    await writeEvents(database.client, { count: settled, hook: 'one', state: 'delivered' })
    await writeEvents(database.client, { count: PENDING, hook: 'one', state: 'pending' })
    await database.client.query('vacuum analyze')
    const log = { info() {}, warn() {} }
    const store = await PostgresStore.open({
      url: database.url,
      log,
      version: '0.0.0',
      startTimeoutMs: 10_000,
      clock: systemClock,
    })
    sides.push({ settled, database, store, times: [] as number[] })
  }
  await server.checkpoint()
  for (let call = 0; call < CALLS; call++) {
    for (const { store, times } of sides) {
      const startedAt = performance.now()
      await store.claim([
        { hook: 'one', limit: 64, maxBytes: 8_388_608, leaseMs: 600_000, ordered: call % 2 === 1 },
      ])
      times.push(performance.now() - startedAt)
    }
  }
  for (const { store, database } of sides) {
    await store.close()
    await database.drop()
  }
  const [fewMs, manyMs] = sides.map(({ times }) => median(times)) as [number, number]
  console.log(
    `claim of 64 with ${few} settled ${fewMs.toFixed(2)} ms, with ${many} settled ${manyMs.toFixed(2)} ms: ` +
      `ratio ${(manyMs / fewMs).toFixed(2)}`,
  )
}
