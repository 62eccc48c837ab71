import { expect, test } from 'vitest'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  acceptance,
  beginReplay,
  changedContent,
  claim,
  claimOne,
  claimable,
  countOutcomes,
  dead,
  keyOf,
  settleOne,
  settlement,
  stepToEnd,
  replay,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'
import { open } from './postgres-database.ts'

test('of two replicas that take one id in at the same time, one accepts', async () => {
  const [one, other] = await openTwo()
  for (let round = 0; round < 20; round++) {
    const requests = Array.from({ length: 30 }, () => acceptance({ hooks: ['a'] }))
    // In opposite orders: two groups that each wait for the other's would never end.
    const results = await Promise.all([
      ...requests.map((request) => one.accept(request)),
      ...requests.toReversed().map((request) => other.accept(request)),
    ])
    expect(countOutcomes(results)).toEqual({ accepted: 30, duplicate: 30 })
  }
  expect(await claim(one, ['a'])).toHaveLength(600)
})

test('of two replicas that bring two contents under one id, one is taken in and the rest told apart', async () => {
  const [one, other] = await openTwo()
  for (let round = 0; round < 20; round++) {
    const request = acceptance({ hooks: ['a'] })
    const changed = changedContent(request)
    const results = await Promise.all(
      [one, other, one, other].map((store, n) => store.accept(n < 2 ? request : changed)),
    )
    expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 1, conflict: 2 })
  }
})

test('of two replicas each delivery goes to one, and a lost lease changes nothing', async () => {
  const [one, other] = await openTwo()
  await Promise.all(Array.from({ length: 100 }, () => one.accept(acceptance({ hooks: ['a'] }))))
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, n) => claim(n % 2 === 0 ? one : other, ['a'], { limit: 7 })),
  )
  expect(claims.flat()).toHaveLength(100)
  expect(new Set(claims.flat().map(keyOf)).size).toBe(100)
  await one.settle(claims.flat().map((delivery) => settlement(delivery, { state: 'delivered' })))

  const request = acceptance({ hooks: ['a'] })
  await one.accept(request)
  const lost = await claimOne(one, 'a', 20)
  const taken = await claimable(other, 'a')
  expect(await settleOne(other, taken, { state: 'delivered' })).toBe('settled')
  expect(await settleOne(one, lost, dead(7))).toBe('lease_lost')
  expect(await one.reader.deliveriesOf(request.webhookId)).toMatchObject([
    { state: 'delivered', attempts: 2, failures: 0, records: [{ attempt: 1 }, { attempt: 2 }] },
  ])
})

test('one replica tells the others that something is due', async () => {
  const url = await newDatabase()
  const heard: string[] = []
  const one = await open(url, { onDue: () => heard.push('one') })
  await open(url, { onDue: () => heard.push('other') })
  // Both hear once that they listen.
  await until('both to listen', () => heard.includes('one') && heard.includes('other'))
  heard.length = 0
  await one.accept(acceptance())
  const request = acceptance({ hooks: ['a'] })
  await one.accept(request)
  await until('the other to hear', () => heard.includes('other'))
  await settleOne(one, await claimOne(one, 'a'), dead(1))
  heard.length = 0
  await replay(one, {})
  await until('the other to hear of a replay', () => heard.includes('other'))
  expect(heard).not.toContain('one')
})

test('of two replicas that take the steps of one replay, each delivery is put back once, and either goes on alone', async () => {
  const [one, other] = await openTwo()
  await Promise.all(Array.from({ length: 200 }, () => one.accept(acceptance({ hooks: ['a'] }))))
  const claimed = await claim(one, ['a'])
  await one.settle(claimed.map((delivery) => settlement(delivery, dead(1))))
  const { id } = await beginReplay(one, {})
  let replayed = 0
  for (let round = 0; round < 5; round++) {
    const steps = await Promise.all(
      [one, other, one, other].map((store) =>
        store.stepReplay({ id, limit: 10, pauseMs: 0, orderedHooks: ['a'] }),
      ),
    )
    for (const step of steps) replayed += step.replayed
  }
  expect(replayed).toBeGreaterThanOrEqual(50)
  await one.close()
  expect(replayed + (await stepToEnd(other, id, 10))).toBe(200)
  expect(await other.reader.findReplay(id)).toMatchObject({ state: 'finished', replayed: 200 })
  const again = await claim(other, ['a'])
  expect(new Set(again.map(keyOf)).size).toBe(200)
})

test('a replica that listens again after its connection broke looks for what it missed', async () => {
  const url = await newDatabase()
  let heard = 0
  await open(url, { onDue: () => void heard++ })
  for (let round = 1; round <= 3; round++) {
    await until('it to listen', () => heard === round)
    await sql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'seam-relay signal'
      and datname = current_database()`,
    )
  }
  expect(await until('it to listen again', () => heard >= 4)).toBe(true)
})

async function openTwo(): Promise<[ReadableStore, ReadableStore]> {
  const url = await newDatabase()
  return [await open(url), await open(url)]
}
