import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { QueryResultRow } from 'pg'
import { afterAll, inject, onTestFinished } from 'vitest'

/** This file's databases that no test is using. To empty one takes a tenth of the time of making one. */
const free: string[] = []
const made: string[] = []
afterAll(async () => {
  for (const name of made) await sql(inject('postgresUrl'), `drop database ${name} with (force)`)
})

/** The URL of an empty database, for one test. It is emptied when that has finished and closed what it opened after it. */
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
  // Copying files takes two thirds of the time of the default, which logs every page.
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
  // A connection that breaks rejects the query and is told here besides; unheard, that would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    // Without parameters, so that several statements may be given.
    return (await (params.length === 0 ? client.query<Row>(text) : client.query<Row>(text, params))).rows
  } finally {
    await client.end()
  }
}
