import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { LOCK_CLASS } from '../../src/store/postgres/statements/ordering-locks.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  acceptEach,
  acceptanceAbout,
  beginReplay,
  claim,
  dead,
  settleOne,
  settlement,
  stepToEnd,
  wanting,
} from './asking.ts'
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

test('a step of a replay waits for a claim that is just leasing a later event of the credential', async () => {
  const { store, client, locked } = await openBesideAnother()
  const requests = await acceptEach(store, eventsAboutOne(3))
  const [head] = (await store.claim([IN_ORDER])).deliveries
  await settleOne(store, head as ClaimedDelivery, dead(1))
  const { id } = await beginReplay(store, { hook: 'a' })
  const step = () => store.stepReplay({ id, limit: 50, pauseMs: 0, orderedHooks: ['a'] })
  await client.query('begin')
  await client.query(`select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext('a'))`)
  const stepped = step()
  await locked(stepped)
  await client.query(
    `update seam_relay.deliveries set state = 'leased', lease_token = 1, due_at = now() + interval '1 hour'
     where event_seq = (select min(event_seq) from seam_relay.deliveries where state = 'pending')`,
  )
  await client.query('commit')
  expect(await stepped).toMatchObject({ replayed: 1, isLast: false })
  expect(await step()).toMatchObject({ replayed: 0, changesDue: false, isLast: false })
  expect((await store.claim([IN_ORDER])).deliveries).toEqual([])
  await client.query(
    `update seam_relay.deliveries set state = 'delivered', due_at = null, settled_at = now() where state = 'leased'`,
  )
  expect(await step()).toMatchObject({ replayed: 0, changesDue: true, isLast: true })
  expect((await store.claim([IN_ORDER])).deliveries).toMatchObject([{ webhookId: requests[0]?.webhookId }])
})

test('a replay and a claim at the same time never let an earlier event go beside a later one', async () => {
  const url = await newDatabase()
  const [one, other] = await Promise.all([open(url), open(url)])
  const met = { stepFirst: 0, claimFirst: 0 }
  for (let round = 0; round < 60; round++) {
    // More than a claim looks through for one that is leased after its candidate.
    const earlier = eventsAboutOne(40)
    const later = acceptanceAbout(earlier[0]?.event.credentialId as string)
    await Promise.all(earlier.map((request) => one.accept(request)))
    const dying = await claim(one, ['a'])
    await one.settle(dying.map((delivery) => settlement(delivery, dead(1))))
    await one.accept(later)
    const webhookIds = earlier.map(({ webhookId }) => webhookId)
    const { id } = await beginReplay(one, { hook: 'a', webhookIds })
    const stepping = one.stepReplay({ id, limit: 50, pauseMs: 0, orderedHooks: ['a'] })
    const claiming = other.claim([IN_ORDER])
    const [, { deliveries }] = await Promise.all([stepping, claiming])
    expect(deliveries.length).toBeLessThan(2)
    const isLaterOut = deliveries[0]?.webhookId === later.webhookId
    met[isLaterOut ? 'claimFirst' : 'stepFirst']++
    const beside = (await other.claim([IN_ORDER])).deliveries
    // Whatever is out, nothing else of the credential is.
    expect(beside.length + deliveries.length).toBeLessThan(2)
    // Each second time the later one ends at the moment at which a step asks about it.
    const ending = [...deliveries, ...beside].map((delivery) =>
      settleOne(other, delivery, { state: 'delivered' }),
    )
    if (round % 2 === 0) await Promise.all(ending)
    const replay = await one.reader.findReplay(id)
    if (replay?.state === 'running') await stepToEnd(one, id, 50, ['a'])
    await Promise.all(ending)
    const given = [...deliveries, ...beside].map(({ webhookId }) => webhookId)
    for (;;) {
      const [delivery, more] = (await other.claim([IN_ORDER])).deliveries
      if (delivery === undefined) break
      expect(more).toBeUndefined()
      given.push(delivery.webhookId)
      await settleOne(other, delivery, { state: 'delivered' })
    }
    const last = isLaterOut ? [] : [later.webhookId]
    expect(given.toSorted()).toEqual([later.webhookId, ...numberedIds(dying)].toSorted())
    expect(given).toEqual([...(isLaterOut ? [later.webhookId] : []), ...numberedIds(dying), ...last])
  }
  expect(Math.min(met.stepFirst, met.claimFirst)).toBeGreaterThan(0)
}, 60_000)

/** In the order of acceptance. */
function numberedIds(deliveries: readonly ClaimedDelivery[]): string[] {
  return deliveries
    .toSorted((one, another) => one.eventSeq - another.eventSeq)
    .map(({ webhookId }) => webhookId)
}

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
