import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { errorOf, minimal, piecesTold } from './reading.ts'

test.each([
  'postgres://user:password@db.example.com:5432/relay',
  'postgresql://user@db.example.com/relay',
  'postgres://user:p%40ss%2Fword%23@[::1]:5433/relay?sslmode=verify-full&sslrootcert=/etc/ca.pem',
  'postgres://db/relay?application_name=a%20b&sslmode=no-verify',
  'postgres://user@%2Fvar%2Frun%2Fpostgresql/relay',
])('DATABASE_URL may be a Postgres URL, which is kept as written: %s', (url) => {
  expect(readConfig({ ...minimal, DATABASE_URL: url }).store).toEqual({ kind: 'postgres', url })
})

test.each([
  ['sqlite:relay.db', 'relay.db'],
  ['sqlite:./data/postgres:relay.db', './data/postgres:relay.db'],
  ['sqlite:/var/lib/relay.db', '/var/lib/relay.db'],
  ['sqlite:///var/lib/relay.db', '/var/lib/relay.db'],
])('DATABASE_URL may be the path of a file: %s', (url, path) => {
  expect(readConfig({ ...minimal, DATABASE_URL: url }).store).toEqual({ kind: 'sqlite', path })
})

test.each([
  ['names no database', 'postgres://user:hunter2@db:5432'],
  ['ends in a slash without a database', 'postgres://user:hunter2@db:5432/'],
  ['has parameters but no database', 'postgresql://user:hunter2@db?sslmode=verify-full'],
  ['has a port that is no number', 'postgres://user:hunter2@db:port/relay'],
  ['has a port that is too high', 'postgres://user:hunter2@db:65536/relay'],
  ['has a host with a space', 'postgres://user:hunter2@d b/relay'],
  ['has an unencoded # in its password', 'postgres://user:hunter2#4@db/relay'],
  ['has an unencoded @ and / in its password', 'postgres://user:hunter2@pass/word@db/relay'],
  ['has no slashes', 'postgres:user:hunter2@db/relay'],
  ['is the URL of another database', 'mysql://user:hunter2@db/relay'],
  ['is a connection string of libpq', 'host=db user=user password=hunter2'],
  ['names no file', 'sqlite:'],
  ['is a path', '/var/lib/hunter2.db'],
])('a DATABASE_URL that %s is refused, and the message does not show it', (_what, url) => {
  const error = errorOf({ ...minimal, DATABASE_URL: url })
  expect(error.mistakes).toEqual([
    {
      where: 'DATABASE_URL',
      expected: 'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
      found: `a string of ${url.length} characters (not shown)`,
    },
  ])
  expect(piecesTold(error.message, 'hunter2')).toEqual([])
})
