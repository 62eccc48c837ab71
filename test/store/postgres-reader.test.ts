import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { QUESTION_TIMEOUT_MS } from '../../src/store/reader.ts'
import { PostgresReader } from '../../src/store/postgres/postgres-reader.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { acceptance } from './asking.ts'
import { open } from './postgres-database.ts'

test('questions have at most two connections of their own, and none before the first', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await store.accept(acceptance())
  const before = await connectionsTo(url)
  await store.reader.stats()
  expect(await connectionsTo(url)).toBe(before + 1)
  await Promise.all(Array.from({ length: 20 }, () => store.reader.stats()))
  expect(await connectionsTo(url)).toBe(before + 2)
  await store.reader.close()
  await until('its connections to be gone', async () => (await connectionsTo(url)) === before)
})

test('questions that wait for a lock are given up in time, say so, and hold up no acceptance', async () => {
  const url = await newDatabase()
  const store = await open(url)
  const clock = new ManualClock()
  const reader = new PostgresReader({ url, clock })
  onTestFinished(() => reader.close())
  const blocker = new pg.Client(url)
  blocker.on('error', () => {})
  onTestFinished(() => blocker.end())
  await blocker.connect()
  await blocker.query('begin; lock table seam_relay.attempts in access exclusive mode')

  const asked = [1, 2, 3].map(() => reader.deliveriesOf('msg_1'))
  await until('two to wait for the lock', async () => (await waitingForLock(url)) === 2)
  expect(await store.accept(acceptance({ hooks: ['a'] }))).toMatchObject({ outcome: 'accepted' })
  clock.advance(QUESTION_TIMEOUT_MS)
  for (const one of asked) {
    await expect(one).rejects.toMatchObject({
      code: 'store_overloaded',
      message: 'the store has not answered a question within 8 s',
    })
  }
  await blocker.query('rollback')
  expect(await reader.deliveriesOf('msg_1')).toEqual([])
})

async function connectionsTo(url: string): Promise<number> {
  const rows = await sql(
    url,
    `select from pg_stat_activity where datname = current_database() and application_name = 'seam-relay'`,
  )
  return rows.length
}

async function waitingForLock(url: string): Promise<number> {
  const rows = await sql(
    url,
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.length
}
