import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { QueryResultRow } from 'pg'
import { inject, onTestFinished } from 'vitest'

/** The URL of an empty database, which goes when the test has finished and closed what it opened after it. */
export async function newDatabase(): Promise<string> {
  const serverUrl = inject('postgresUrl')
  const name = `seam_relay_test_${randomBytes(8).toString('hex')}`
  // Copying files takes two thirds of the time of the default, which logs every page.
  await sql(serverUrl, `create database ${name} template template0 strategy file_copy`)
  onTestFinished(async () => {
    await sql(serverUrl, `drop database ${name} with (force)`)
  })
  const url = new URL(serverUrl)
  url.pathname = name
  return url.href
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
    return (await client.query<Row>(text, params)).rows
  } finally {
    await client.end()
  }
}
