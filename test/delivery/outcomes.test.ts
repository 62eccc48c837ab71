import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

interface Stored {
  DATABASE_URL?: string
}

const stores: [name: string, make: () => Promise<Stored>][] = [
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await newDatabase() })],
]

describe.each(stores)('outcomes that cannot be written, on %s', (name, newStore) => {
  test('are kept, and each event is sent once, even if its lease runs out meanwhile', async () => {
    const receiver = await startReceiver()
    const database = await newStore()
    const relay = await startRelay({ ...hookTo(receiver), ...database })
    const outage = settleOutage(relay)
    const events = Array.from({ length: 10 }, () => credentialEvent())
    for (const event of events) await relay.send(event)
    await receiver.hasReceived(10)
    const claims = vi.spyOn(relay.app.store, 'claim')
    await runOutLeases(name, relay, database)
    await until('the relay to lease again what it has', async () => {
      relay.wakeDelivery()
      const results = await Promise.all(claims.mock.results.map(({ value }) => value))
      return results.flatMap(({ deliveries }) => deliveries).length >= 10
    })
    outage.end()
    await until('all to be delivered', async () => (await settledCount(relay, 'delivered')) === 10)
    expect(receiver.received).toHaveLength(10)
    expect(await pendingCount(relay)).toBe(0)
    const [history] = await relay.app.reader.deliveriesOf(events[0]?.event_id as string)
    expect(history).toMatchObject({ state: 'delivered', attempts: 1, records: [{ attempt: 1, status: 204 }] })
  })

  test('slow the intake of new work for that hook down, and for no other', async () => {
    const [stuck, other] = [await startReceiver(), await startReceiver()]
    const HOOKS = JSON.stringify([
      { name: 'stuck', url: stuck.url, concurrency: 1 },
      { name: 'other', url: other.url, concurrency: 16 },
    ])
    const relay = await startRelay({ HOOKS, ...(await newStore()) })
    const outage = settleOutage(relay)
    for (let n = 0; n < 10; n++) await relay.send(credentialEvent())
    await other.hasReceived(10)
    await until('a try to write', () => outage.tries() >= 2)
    expect(stuck.received).toHaveLength(3)
    outage.end()
    await stuck.hasReceived(10)
    await until('all to be delivered', async () => (await pendingCount(relay)) === 0)
    expect([stuck.received.length, other.received.length]).toEqual([10, 10])
  })

  test('are not told to anybody before they are written', async () => {
    const [receiver, alerts] = [await startReceiver(410), await startReceiver()]
    const relay = await startRelay({ ...hookTo(receiver), ALERT_URL: alerts.url, ...(await newStore()) })
    const outage = settleOutage(relay)
    await relay.send(credentialEvent())
    await until('two tries to write', () => outage.tries() >= 2)
    expect(deadLetters(relay)).toEqual([])
    expect(await settledCount(relay, 'dead')).toBe(0)
    outage.end()
    await until('the dead letter', () => deadLetters(relay).length > 0)
    expect(await settledCount(relay, 'dead')).toBe(1)
    const [alert] = await alerts.hasReceived(1)
    expect(JSON.parse(alert?.body ?? '')).toMatchObject({ dead_letters: [{ hook: 'one', count: 1 }] })
    expect(deadLetters(relay)).toHaveLength(1)
  })

  test('but were, though the answer was lost, are counted once and raise no warning', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay({ ...hookTo(receiver), ...(await newStore()) })
    const { store } = relay.app
    const settle = store.settle.bind(store)
    let lost = 0
    vi.spyOn(store, 'settle').mockImplementation(async (settlements) => {
      const results = await settle(settlements)
      if (lost++ === 0) throw new Error('the connection broke after the commit')
      return results
    })
    await relay.send(credentialEvent())
    await until('it to be counted', async () => (await settledCount(relay, 'delivered')) === 1)
    expect(relay.logLines.filter(({ msg }) => msg === 'delivered')).toHaveLength(1)
    expect(relay.logLines.filter(({ msg }) => String(msg).startsWith('the lease ended'))).toEqual([])
  })
})

test('one outcome that the store refuses does not keep the others from being written', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const { store } = relay.app
  const settle = store.settle.bind(store)
  let refused: number | undefined
  vi.spyOn(store, 'settle').mockImplementation(async (settlements) => {
    refused ??= settlements[0]?.eventSeq
    if (settlements.some(({ eventSeq }) => eventSeq === refused)) throw new Error('this one cannot be stored')
    return settle(settlements)
  })
  await Promise.all(Array.from({ length: 8 }, () => relay.send(credentialEvent())))
  await until('the others to be delivered', async () => (await settledCount(relay, 'delivered')) === 7)
  expect(receiver.received).toHaveLength(8)
})

/** From now on outcomes cannot be written, until it ends. */
function settleOutage(relay: Relay): { tries: () => number; end: () => void } {
  const spy = vi.spyOn(relay.app.store, 'settle').mockRejectedValue(new Error('the disk is full'))
  return { tries: () => spy.mock.calls.length, end: () => spy.mockRestore() }
}

async function runOutLeases(name: string, relay: Relay, { DATABASE_URL = '' }: Stored): Promise<void> {
  if (name === 'Postgres') {
    await sql(DATABASE_URL, `update seam_relay.deliveries set due_at = now() where state = 'leased'`)
    return
  }
  const db = new DatabaseSync(relay.databasePath)
  db.exec(`update deliveries set due_at = 0 where state = 'leased'`)
  db.close()
}

function deadLetters(relay: Relay): unknown[] {
  return relay.logLines.filter(({ msg }) => msg === 'delivery given up: a dead letter')
}

async function settledCount(relay: Relay, state: string): Promise<number> {
  const name = `seam_relay_deliveries_settled_total{hook="one",state="${state}"} `
  return Number((await relay.metrics()).split(name)[1]?.split('\n')[0] ?? 0)
}

async function pendingCount(relay: Relay): Promise<number> {
  return (await relay.app.reader.stats()).reduce((sum, { pending }) => sum + pending, 0)
}
