import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { acceptance, claim } from './asking.ts'
import { open } from './postgres-database.ts'

const NAMES = ['deliveries_given_up', 'events_credential_blocks', 'quarantine_received']

test('an empty database has every index from the beginning', async () => {
  const url = await newDatabase()
  const { lines } = await openLogged(url)
  expect(await validIn(url)).toEqual(NAMES)
  expect(lines).toEqual([])
})

test('what is missing is made beside the work by one of the replicas, and what a killed build left behind anew', async () => {
  const url = await withoutIndices()
  await sql(url, 'create index quarantine_received on seam_relay.quarantine (received_at)')
  await sql(
    url,
    `update pg_index set indisvalid = false where indexrelid = 'seam_relay.quarantine_received'::regclass`,
  )
  const replicas = await Promise.all(Array.from({ length: 4 }, () => openLogged(url)))
  const lines = () => replicas.flatMap((replica) => replica.lines)
  await until(
    'the indices to be made',
    () => lines().filter((line) => line === 'index made').length === NAMES.length,
  )
  expect(await validIn(url)).toEqual(NAMES)
  expect(lines()).toHaveLength(2 * NAMES.length)
})

test('while an index cannot be made yet, the store takes and gives, and closes at once', async () => {
  const url = await withoutIndices()
  // A transaction that is still open can have written what the index has to hold, so building waits for its end.
  const other = new pg.Client(url)
  other.on('error', () => {})
  await other.connect()
  onTestFinished(() => other.end())
  await other.query(
    'begin; lock table seam_relay.quarantine, seam_relay.events, seam_relay.deliveries in row exclusive mode',
  )
  const { store, lines } = await openLogged(url)
  await until('the building to begin', () => lines.includes('making an index in the background'))
  expect(await store.accept(acceptance({ hooks: ['a'] }))).toMatchObject({ outcome: 'accepted' })
  expect(await claim(store, ['a'])).toHaveLength(1)
  await store.close()
  expect(lines).toEqual(['making an index in the background'])
})

/** A database with the tables of now and the indices of before. */
async function withoutIndices(): Promise<string> {
  const url = await newDatabase()
  await (await open(url)).close()
  for (const name of NAMES) await sql(url, `drop index seam_relay.${name}`)
  return url
}

async function openLogged(url: string) {
  const lines: string[] = []
  const say = (about: object, message: string) => void ('index' in about && lines.push(message))
  return { store: await open(url, { log: { info: say, warn: say } }), lines }
}

async function validIn(url: string): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    url,
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relname = any($1) and i.indisvalid order by 1`,
    [NAMES],
  )
  return rows.map(({ name }) => name)
}
