import pg from 'pg'
import { migrate } from '../../src/store/postgres/migrations.ts'
import { startPostgresServer } from '../support/postgres-server.ts'

// A real Postgres whose commits wait for the disk, and empty databases on it.

export interface BenchServer {
  /** The settings that decide what a commit costs, as the server tells them. */
  settings: Record<string, string>
  newDatabase(): Promise<BenchDatabase>
  /** One without tables: the relay makes those of its version. */
  emptyDatabase(): Promise<BenchDatabase>
  /** Writes out what was prepared or measured before, so that it is not while the next is measured. */
  checkpoint(): Promise<void>
  remove(): Promise<void>
}

export interface BenchDatabase {
  url: string
  /** One connection to look and to prepare with. */
  client: pg.Client
  drop(): Promise<void>
}

const SHOWN = [
  'server_version',
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
]

export async function startBenchServer(): Promise<BenchServer> {
  const server = await startPostgresServer({ durable: true })
  const admin = await connect(server.url())
  let databases = 0

  async function emptyDatabase(): Promise<BenchDatabase> {
    const name = `bench_${++databases}`
    await admin.query(`create database ${name}`)
    const client = await connect(server.url(name))
    return {
      url: server.url(name),
      client,
      async drop() {
        await client.end()
        await admin.query(`drop database ${name} with (force)`)
      },
    }
  }

  return {
    settings: await show(admin, SHOWN),
    emptyDatabase,
    async newDatabase() {
      const database = await emptyDatabase()
      await migrate(database.client)
      await admin.query('checkpoint')
      return database
    },
    async checkpoint() {
      await admin.query('checkpoint')
    },
    async remove() {
      await admin.end()
      await server.remove()
    },
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' })
  await client.connect()
  return client
}

async function show(client: pg.Client, names: readonly string[]): Promise<Record<string, string>> {
  const settings: Record<string, string> = {}
  for (const name of names) settings[name] = (await client.query(`show ${name}`)).rows[0]?.[name] as string
  return settings
}
