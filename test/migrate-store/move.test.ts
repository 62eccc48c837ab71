import { expect, test } from 'vitest'
import { CARRIED_TABLES } from '../../src/migrate-store/carried-table.ts'
import { BLOCKED_UNTIL } from '../../src/store/sqlite/statements/claim-ordered.ts'
import type { ClaimedDelivery } from '../../src/store/store.ts'
import {
  acceptance,
  changedContent,
  claim,
  claimOne,
  countHooks,
  settleOne,
  replay,
} from '../store/asking.ts'
import { open as openPostgres } from '../store/postgres-database.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { migrateStore } from './command.ts'
import { inFile, rowsOfFile, rowsOfDatabase } from './rows.ts'
import { sourceOfAllSorts, sourceWith, openSqlite, claimInOrder } from './source.ts'
import { newDatabaseOfAStore } from './target.ts'

test('everything is carried, and the source is not changed', async () => {
  const { path, lastSeq } = await sourceOfAllSorts()
  const before = rowsOfFile(path)
  const url = await newDatabase()

  const { code, stdout, stderr } = await migrateStore(path, url)

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('counts agree\n')
  expect(stdout).toMatch(
    /^event_ids 11\/11 {3}events 9\/9 {3}deliveries 10\/10 {3}attempts 5\/5 {3}quarantine 3\/3 {3}replays 1\/1 {3}counts 2\/2 {3}actions 2\/2 {3}hook_pauses 1\/1 {3}reconciliations 1\/1 {3}reconciliation_findings 1\/1$/m,
  )
  expect(stdout).toMatch(/^deliveries pending +8 +8$/m)
  // Opening the file ends the leases of the relay that used it, as every start does. Nothing else changes.
  const after = rowsOfFile(path)
  const leased = before['deliveries']?.filter(({ state }) => state === 'leased') ?? []
  expect(leased).toHaveLength(2)
  for (const delivery of leased) {
    const leaseToken = (delivery['lease_token'] as number) + 1
    Object.assign(delivery, { state: 'pending', due_at: expect.any(Number), lease_token: leaseToken })
  }
  expect(after).toEqual(before)

  const blocked = after['deliveries']?.filter(({ due_at }) => due_at === BLOCKED_UNTIL) ?? []
  expect(blocked).toHaveLength(2)
  for (const delivery of blocked) delivery['due_at'] = delivery['active_since']
  expect(await rowsOfDatabase(url)).toEqual({
    ...after,
    numbers: [{ last_value: String(lastSeq), is_called: true }],
  })
})

test('every column of every table is carried', async () => {
  const path = await sourceWith(async () => {})
  const url = await newDatabaseOfAStore()
  const inBoth = inFile(path, (db) =>
    db
      .prepare(
        `select t.name || '.' || c.name as name from sqlite_schema t join pragma_table_info(t.name) c
         where t.type = 'table' and t.name not in ('heartbeat', 'schema_version', 'sqlite_sequence', 'activity', 'reconciler')`,
      )
      .all()
      .map(({ name }) => name as string)
      .sort(),
  )
  const inTarget = await sql<{ name: string }>(
    url,
    `select table_name || '.' || column_name as name from information_schema.columns
     where table_schema = 'seam_relay'
       and table_name not in ('heartbeat', 'schema_version', 'event_seq', 'replicas', 'activity', 'reconciler') and column_name <> 'leased_by'`,
  )
  expect(inTarget.map(({ name }) => name).sort()).toEqual(inBoth)
  const carried = CARRIED_TABLES.flatMap(({ name, columns }) =>
    Object.keys(columns).map((column) => `${name}.${column}`),
  )
  expect(carried.sort()).toEqual(inBoth)
})

test('the Postgres store goes on where the SQLite store stopped', async () => {
  const { path, requests, inOrder, dead, lastSeq } = await sourceOfAllSorts()
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const sqlite = await openSqlite(path)
  const postgres = await openPostgres(url)

  for (const request of requests) {
    expect(await postgres.reader.deliveriesOf(request.webhookId)).toEqual(
      await sqlite.reader.deliveriesOf(request.webhookId),
    )
    expect(await postgres.accept(request)).toEqual({ outcome: 'duplicate' })
    expect(await postgres.accept(changedContent(request))).toMatchObject({ outcome: 'conflict' })
  }

  // Due are: deliveries that were due, those that were leased, and the first one of the credential in order.
  const hooks = ['now', 'later', 'leased', 'delivered', 'dead']
  expect(countHooks(await claim(postgres, hooks))).toEqual({ now: 3, leased: 1 })
  for (const expected of inOrder) {
    const [first, ...others] = await claimInOrder(postgres)
    expect([first?.webhookId, others]).toEqual([expected.webhookId, []])
    await settleOne(postgres, first as ClaimedDelivery, { state: 'delivered' })
  }
  expect(await replay(postgres, {})).toEqual({ replayed: 1 })
  expect(await claimOne(postgres, 'dead')).toMatchObject({
    webhookId: dead.webhookId,
    body: dead.event.body,
    attempt: 3,
    failures: 0,
  })

  await postgres.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(postgres, 'new')).eventSeq).toBeGreaterThan(lastSeq)
})

test('running it again is safe and changes nothing', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const first = await rowsOfDatabase(url)

  expect(await migrateStore(path, url)).toMatchObject({ code: 0, stderr: '' })
  expect(await rowsOfDatabase(url)).toEqual(first)
})

test('event numbers that the target has already used are not used again', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabaseOfAStore()
  await sql(url, `select setval('seam_relay.event_seq', 5000)`)
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const target = await openPostgres(url)
  await target.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(target, 'new')).eventSeq).toBe(5001)
})
