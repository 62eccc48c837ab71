import { expect, test } from 'vitest'
import { newDatabase, sql } from '../support/postgres.ts'
import { hookTo, startReceiver } from '../support/relay.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { scratchDatabase } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'
import { KEY, eventFrom, reconciling, seam } from './support.ts'

const MINUTE_MS = 60_000

test.each(['SQLite', 'Postgres'])(
  'on %s, kill -9 between two windows passes nothing over',
  async (name) => {
    const [stub, receiver] = [await seam(), await startReceiver()]
    const events = Array.from({ length: 2000 }, (_, index) => eventFrom(110 * MINUTE_MS - index * 3000))
    stub.eventsOf(KEY).push(...events)
    const store = name === 'SQLite' ? scratchDatabase() : { DATABASE_URL: await newDatabase() }
    const settings = { ...reconciling(stub), ...hookTo(receiver), ...store }
    let lists = 0
    // The process is killed while it waits for the next window.
    stub.intercept = ({ path }) => (path === '/events/list' && ++lists > 5 ? {} : null)
    const first = await startRelayProcess(newSecret(), settings)
    await until('some windows', () => lists > 5)
    await first.end('SIGKILL')
    const before = new Set(receiver.ids).size
    expect(before).toBeLessThan(2000)
    stub.intercept = null
    // The killed one's lease ends with time, a minute of it.
    const { DATABASE_URL } = store
    if (name === 'Postgres') await sql(DATABASE_URL, 'update seam_relay.reconciler set leased_until = now()')

    const startedAt = Date.now()
    await startRelayProcess(newSecret(), settings)
    await until('all of them', () => new Set(receiver.ids).size === 2000, 150_000)
    expect(new Set(receiver.ids)).toEqual(new Set(events.map(({ event_id }) => event_id)))
    // It went on from where it was, without those hours that were confirmed before.
    const asked = stub.asked('/events/list').slice(lists)
    const earliest = Math.min(...asked.map(({ body }) => Date.parse((body['between'] as [string])[0])))
    expect(startedAt - earliest).toBeLessThan(120 * MINUTE_MS)
  },
  200_000,
)
