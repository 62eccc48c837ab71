import { expect, test } from 'vitest'
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { Store } from '../../src/store/store.ts'
import { acceptEach, acceptance, changedContent, settleAll } from '../store/asking.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { migrateStore } from './command.ts'
import { rowsOfDatabase } from './rows.ts'
import { sourceWith } from './source.ts'
import { newDatabaseOfAStore, postgresOptions } from './target.ts'

const EVENT = acceptance({ hooks: ['a'] })
const OTHER = acceptance({ hooks: ['a'] })
const QUARANTINED = { messageId: 'msg_a', bytes: Buffer.from([0, 255, 10]), problems: [] }

test.each<[string, (target: Store, url: string) => Promise<unknown>, string]>([
  ['another event under the same number', (target) => target.accept(acceptance()), '(seq 1)'],
  ['the same event under another number', (target) => target.accept(OTHER), '(seq 1)'],
  ['further events', (target) => acceptEach(target, [EVENT, OTHER, acceptance()]), '(seq 3)'],
  ['an event with other content', (target) => target.accept(changedContent(EVENT)), '(seq 1)'],
  [
    'a quarantined body that the source has not',
    (target) => target.quarantine(QUARANTINED),
    'a quarantined body',
  ],
])('a target that has %s is refused and not changed', async (_, prepare, reason) => {
  const path = await sourceWith((store) => acceptEach(store, [EVENT, OTHER]))
  const url = await newDatabase()
  const target = await PostgresStore.open(postgresOptions(url))
  await prepare(target, url)
  await target.close()
  const before = await rowsOfDatabase(url)

  const { code, stderr } = await migrateStore(path, url)

  expect(code).toBe(1)
  expect(stderr).toMatch(/^migrate-store: the target has .* that the source has not.*\n$/)
  expect(stderr).toContain(reason)
  expect(await rowsOfDatabase(url)).toEqual(before)
})

test('once a relay has worked on the carried deliveries, a further run is refused and changes nothing', async () => {
  const path = await sourceWith((store) => acceptEach(store, [EVENT, OTHER]))
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const target = await PostgresStore.open(postgresOptions(url))
  await settleAll(target, 'a', { state: 'delivered' })
  await target.close()
  const before = await rowsOfDatabase(url)

  const { code, stderr } = await migrateStore(path, url)

  expect(code).toBe(1)
  expect(stderr).toContain('another row in deliveries than the source (event_seq 1, hook a)')
  expect(await rowsOfDatabase(url)).toEqual(before)
})

test('the command fails if the counts do not agree in the end', async () => {
  const path = await sourceWith((store) => store.accept(EVENT))
  const url = await newDatabaseOfAStore()
  await sql(
    url,
    `insert into seam_relay.attempts (event_seq, hook, attempt, started_at, duration_ms) values (7, 'a', 1, now(), 5)`,
  )
  const { code, stdout, stderr } = await migrateStore(path, url)
  expect(code).toBe(1)
  expect(stderr).toBe('migrate-store: the counts do not agree: attempts\n')
  expect(stdout).not.toContain('counts agree')
})
