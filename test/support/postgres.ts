import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { QueryResultRow } from 'pg'
import { afterAll, inject, onTestFinished } from 'vitest'

/** Databases of this test file that no test is using. Emptying one takes a tenth of the time that creating one takes. */
const free: string[] = []
const made: string[] = []
afterAll(async () => {
  for (const name of made) await sql(inject('postgresUrl'), `drop database ${name} with (force)`)
})

/**
 * The URL of an empty database for one test. It is emptied when the test has finished, after anything that the
 * test opened later has been closed.
 */
export async function newDatabase(): Promise<string> {
  const name = free.pop() ?? (await makeDatabase())
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: name }).href
  onTestFinished(async () => {
    const others = `from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`
    await sql(url, `select pg_terminate_backend(pid) ${others}`)
    await sql(url, `drop schema if exists seam_relay cascade; alter database ${name} reset all`)
    free.push(name)
  })
  return url
}

async function makeDatabase(): Promise<string> {
  const name = `seam_relay_test_${randomBytes(8).toString('hex')}`
  // Copying files takes two thirds of the time that the default takes, which logs every page.
  await sql(inject('postgresUrl'), `create database ${name} template template0 strategy file_copy`)
  made.push(name)
  return name
}

/** Runs one statement on a connection of its own and gives the rows. */
export async function sql<Row extends QueryResultRow = Record<string, unknown>>(
  url: string,
  text: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(url)
  // A broken connection rejects the query and is reported here too. Without a listener that would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    // Only a query without a list of parameters may hold several statements.
    return (await (params.length === 0 ? client.query<Row>(text) : client.query<Row>(text, params))).rows
  } finally {
    await client.end()
  }
}
