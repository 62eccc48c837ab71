import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acceptance } from '../store/asking.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { scratchFolder } from '../support/scratch.ts'
import { until } from '../support/until.ts'
import { open as openPostgres } from '../store/postgres-database.ts'
import { migrateStore } from './command.ts'
import { inFile } from './rows.ts'
import { sourceWith, openSqlite } from './source.ts'
import { newDatabaseOfAStore, isAny } from './target.ts'

test('a source that a relay is using is refused', async () => {
  const path = join(scratchFolder(), 'relay.db')
  await openSqlite(path)
  const { code, stderr } = await migrateStore(path, await newDatabase())
  expect(code).toBe(1)
  expect(stderr).toMatch(/^migrate-store: the source: another seam-relay is using this store .*\n$/)
})

test('a target that a relay is using is refused', async () => {
  const path = await sourceWith((store) => store.accept(acceptance({ hooks: ['a'] })))
  const url = await newDatabase()
  await openPostgres(url)
  await until('the relay to be connected', () =>
    isAny(
      url,
      `select from pg_stat_activity where datname = current_database() and application_name = 'seam-relay signal'`,
    ),
  )
  expect(await migrateStore(path, url)).toMatchObject({
    code: 1,
    stderr: 'migrate-store: a seam-relay is using the target: stop it first\n',
  })
})

test('a source that does not exist is an error, and no file is made', async () => {
  const path = join(scratchFolder(), 'missing', 'relay.db')
  expect(await migrateStore(path, await newDatabase())).toMatchObject({
    code: 1,
    stderr: `migrate-store: the source: there is no file ${path}\n`,
  })
  expect(existsSync(join(path, '..'))).toBe(false)
})

test('a source or a target with a newer schema is refused', async () => {
  const path = await sourceWith((store) => store.accept(acceptance({ hooks: ['a'] })))
  const url = await newDatabaseOfAStore()
  await sql(url, 'update seam_relay.schema_version set version = 99, usable_from = 99')
  const target = await migrateStore(path, url)
  expect(target.code).toBe(1)
  expect(target.stderr).toMatch(/^migrate-store: the target: .*newer seam-relay \(schema 99.*\n$/)

  inFile(path, (db) => db.exec('pragma user_version = 99; update schema_version set usable_from = 99'))
  const source = await migrateStore(path, url)
  expect(source.code).toBe(1)
  expect(source.stderr).toMatch(/^migrate-store: the source: .*newer seam-relay \(schema 99.*\n$/)
})

test('a database that cannot be reached, or refuses the password, gives one clear line', async () => {
  const path = await sourceWith((store) => store.accept(acceptance({ hooks: ['a'] })))
  const away = await migrateStore(path, 'postgres://someone:s3cret@127.0.0.1:1/relay')
  expect(away).toMatchObject({ code: 1, stdout: '' })
  expect(away.stderr).toBe('migrate-store: the target: connect ECONNREFUSED 127.0.0.1:1\n')

  const url = new URL(await newDatabase())
  url.password = 'another-s3cret'
  const wrong = await migrateStore(path, url.href)
  expect(wrong).toMatchObject({ code: 1, stdout: '' })
  expect(wrong.stderr).toMatch(/^migrate-store: the target: password authentication failed for user .*\n$/)
})
