import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { LOCK_CLASS } from '../../src/store/postgres/statements/ordering-locks.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { acceptEach, acceptanceAbout, settleOne, wanting } from './asking.ts'
import { open } from './postgres-database.ts'

const IN_ORDER = wanting('a', { limit: 10, ordered: true })

test('replicas that claim and settle in order at the same time deliver everything in order', async () => {
  const url = await newDatabase()
  const stores = await Promise.all([open(url), open(url), open(url)])
  const credentials = Array.from({ length: 5 }, () => randomUUID())
  const expected = new Map(credentials.map((credential): [string, string[]] => [credential, []]))
  const total = 150
  for (let n = 0; n < total; n++) {
    const credential = credentials[n % 5] as string
    const request = acceptanceAbout(credential)
    expected.get(credential)?.push(request.webhookId)
    await stores[n % 3]?.accept(request)
  }
  const credentialOf = new Map(
    [...expected].flatMap(([credential, ids]) => ids.map((id) => [id, credential])),
  )
  const given = new Map(credentials.map((credential): [string, string[]] => [credential, []]))
  const out = new Set<string>()
  let ended = 0
  const work = async (store: Store) => {
    while (ended < total) {
      const want = wanting('a', { limit: 3, ordered: true })
      for (const delivery of (await store.claim([want])).deliveries) {
        const credential = credentialOf.get(delivery.webhookId) as string
        expect(out.has(credential)).toBe(false)
        out.add(credential)
        // Each fails once before it is delivered.
        const isEnd = delivery.attempt > 1
        if (isEnd) given.get(credential)?.push(delivery.webhookId)
        out.delete(credential)
        const next = isEnd
          ? ({ state: 'delivered' } as const)
          : ({ state: 'pending', delayMs: 1, failures: 1 } as const)
        expect(await settleOne(store, delivery as ClaimedDelivery, next)).toBe('settled')
        if (isEnd) ended++
      }
    }
  }
  await Promise.all(stores.map(work))
  expect(given).toEqual(expected)
})

test('settling a delivery waits for a claim that is just blocking the one behind it', async () => {
  const { url, store, client, locked } = await openBesideAnother()
  const requests = await acceptEach(store, eventsAboutOne(2))
  const [head] = (await store.claim([IN_ORDER])).deliveries
  await sql(url, `update seam_relay.deliveries set due_at = now() where due_at = 'infinity'`)
  await client.query('begin')
  await client.query(`select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext('a'))`)
  const settled = settleOne(store, head as ClaimedDelivery, { state: 'delivered' })
  await locked(settled)
  await client.query(`update seam_relay.deliveries set due_at = 'infinity' where state = 'pending'`)
  await client.query('commit')
  expect(await settled).toBe('settled')
  expect((await store.claim([IN_ORDER])).deliveries).toMatchObject([{ webhookId: requests[1]?.webhookId }])
})

test('a claim in order waits while the delivery before is just being settled', async () => {
  const { url, store, client, locked } = await openBesideAnother()
  const requests = await acceptEach(store, eventsAboutOne(2))
  const [head] = (await store.claim([IN_ORDER])).deliveries
  await sql(url, `update seam_relay.deliveries set due_at = now() where due_at = 'infinity'`)
  await client.query('begin')
  await client.query(
    `update seam_relay.deliveries set state = 'delivered', due_at = null, settled_at = now() where event_seq = $1`,
    [head?.eventSeq],
  )
  await client.query(`select pg_advisory_xact_lock_shared(${LOCK_CLASS}, hashtext('a'))`)
  const claimed = store.claim([IN_ORDER])
  await locked(claimed)
  await client.query('commit')
  expect((await claimed).deliveries).toMatchObject([{ webhookId: requests[1]?.webhookId }])
})

test('a delivery that is committed late, before one that is leased, waits for that one', async () => {
  const url = await newDatabase()
  const store = await open(url)
  const credential = randomUUID()
  const requests = await acceptEach(store, [acceptanceAbout(credential), acceptanceAbout(credential)])
  // As if the first had been numbered by another replica, which has not committed it yet.
  await sql(
    url,
    `update seam_relay.deliveries set due_at = now() + interval '1 hour', settled_at = null,
    order_key = 'not yet' where event_seq = (select min(event_seq) from seam_relay.deliveries)`,
  )
  const [out] = (await store.claim([IN_ORDER])).deliveries
  expect(out?.webhookId).toBe(requests[1]?.webhookId)
  await sql(
    url,
    `update seam_relay.deliveries set due_at = now(), order_key = $1 where order_key = 'not yet'`,
    [credential],
  )
  const waiting = await store.claim([IN_ORDER])
  expect(waiting.deliveries).toEqual([])
  // Not due at once, or who asks would ask without a pause.
  expect(waiting.nextDueInMs).toBeGreaterThan(0)
  await settleOne(store, out as ClaimedDelivery, { state: 'delivered' })
  expect((await store.claim([IN_ORDER])).deliveries).toMatchObject([{ webhookId: requests[0]?.webhookId }])
})

function eventsAboutOne(count: number) {
  const credential = randomUUID()
  return Array.from({ length: count }, () => acceptanceAbout(credential))
}

/** A store, and a connection that stands for another replica's, step by step. */
async function openBesideAnother() {
  const url = await newDatabase()
  const store = await open(url)
  const client = new Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  /** Until the call waits for a lock, or has not waited. */
  const locked = (call: Promise<unknown>) => {
    let isDone = false
    void call.then(() => (isDone = true))
    return until('the call to wait', async () => {
      const waiting = await sql(
        url,
        `select from pg_locks l join pg_database d on d.oid = l.database
         where locktype = 'advisory' and not granted and datname = current_database()`,
      )
      return isDone || waiting.length > 0
    })
  }
  return { url, store, client, locked }
}
