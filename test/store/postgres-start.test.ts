import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { Backoff } from '../../src/store/postgres/backoff.ts'
import { Connections } from '../../src/store/postgres/connections.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { acceptance, claim, countOutcomes } from './asking.ts'
import { NUMBERED_ON, attemptEach, fillEveryState, withoutReplays, withoutTokens } from './every-state.ts'
import { open } from './postgres-database.ts'

test('commits wait for the disk, even where the database is set not to', async () => {
  const url = await newDatabase()
  await sql(
    url,
    `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
  )
  const connections = new Connections({ url, max: 1, timeoutMs: 1000, backoff: new Backoff(systemClock) })
  onTestFinished(() => connections.close())
  const show = { name: 'show', text: `select current_setting('synchronous_commit') as it` }
  expect(await connections.run(show)).toEqual([{ it: 'on' }])
})

test('any number of replicas may be the first to open a database', async () => {
  const url = await newDatabase()
  const stores = await Promise.all(Array.from({ length: 8 }, () => open(url)))
  const results = await Promise.all(stores.map((store) => store.accept(acceptance())))
  expect(countOutcomes(results)).toEqual({ accepted: 8 })
})

test('a schema from a newer version is refused and left as it was', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await store.accept(acceptance())
  await store.close()
  await sql(url, 'update seam_relay.schema_version set version = 99, usable_from = 98')
  await expect(open(url)).rejects.toThrow(/newer seam-relay \(schema 99, which needs a program that knows 98/)
  expect(await sql(url, 'select version from seam_relay.schema_version')).toEqual([{ version: 99 }])
})

test('after a step that only adds, the version before works on the database again and leaves the schema as it is', async () => {
  const url = await newDatabase()
  await (await open(url)).close()
  await sql(
    url,
    `update seam_relay.schema_version set version = version + 1;
     create table seam_relay.later (it text); alter table seam_relay.events add column later text`,
  )
  const before = await sql(url, 'select * from seam_relay.schema_version')
  const older = await open(url)
  expect(await older.accept(acceptance({ hooks: ['a'] }))).toMatchObject({ outcome: 'accepted' })
  expect(await claim(older, ['a'])).toHaveLength(1)
  expect(await sql(url, 'select * from seam_relay.schema_version')).toEqual(before)
})

test('a database of the schema before leases had tokens keeps its history and numbers its attempts on', async () => {
  const url = await newDatabase()
  const first = await open(url)
  const requests = await fillEveryState(first)
  await first.close()
  await sql(
    url,
    `${withoutTokens('seam_relay.')} ${withoutReplays('seam_relay.')}
     drop table seam_relay.replicas; alter table seam_relay.deliveries drop column leased_by;
     update seam_relay.schema_version set version = 1`,
  )
  const second = await open(url)
  expect(await claim(second, ['leased'])).toEqual([])
  await sql(url, `update seam_relay.deliveries set due_at = now() where hook = 'leased'`)
  expect(await attemptEach(second, requests)).toEqual(NUMBERED_ON)
})

test('a schema that was made for a role without the right to make one is enough', async () => {
  const url = await newDatabase()
  const role = `seam_relay_role_${randomUUID().slice(0, 8)}`
  await sql(url, `create role ${role} login password 'pw'`)
  onTestFinished(async () => {
    await sql(url, `drop owned by ${role}`)
    await sql(url, `drop role ${role}`)
  })
  await sql(url, `create schema seam_relay authorization ${role}`)
  const asRole = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const store = await open(asRole)
  expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
  await store.close()
})

test('a wrong password ends the start at once and is not shown', async () => {
  const url = Object.assign(new URL(await newDatabase()), { password: 'hunter2' }).href
  const error = await open(url, { startTimeoutMs: 600_000 }).catch((reason: unknown) => reason)
  expect(String(error)).toMatch(/DATABASE_URL: password authentication failed/)
  expect(String(error)).not.toContain('hunter2')
})

test('a database that is not there ends the start when the time for it is up', async () => {
  await expect(open('postgres://nobody@127.0.0.1:1/none', { startTimeoutMs: 300 })).rejects.toThrow(
    /ECONNREFUSED/,
  )
})
