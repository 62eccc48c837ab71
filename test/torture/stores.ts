import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { startPostgresServer } from '../support/postgres-server.ts'
import type { Leftover, Stored } from './ledgers.ts'
import { hashOf } from './receiver.ts'

/** A store under torture. */
export interface TorturedStore {
  databaseUrl: string
  /** Takes it away, as a stop or as a crash. `null` where it cannot be taken away. */
  takeAway: ((how: 'stop' | 'kill') => Promise<void>) | null
  giveBack(): Promise<void>
  /** Fills its disk. `null` where there is none that may be filled. */
  fillDisk: (() => void) | null
  freeDisk(): void
  /** The deliveries that are not settled, at most so many. */
  unsettled(limit: number): Promise<Leftover[]>
  /** Everything that the ledgers are compared with. */
  read(): Promise<Stored>
  remove(): Promise<void>
}

type Ask = (sql: string) => Promise<Record<string, unknown>[]>

/**
 * A file, on a small file system of its own where one can be mounted.
 * @param seconds how long the run takes: so large is the file system
 */
export function sqliteStore(folder: string, seconds: number): TorturedStore {
  const filler = join(folder, 'filler')
  const file = join(folder, 'relay.db')
  const isMounted = mount(folder, SPARE_MIB + seconds * MIB_PER_SECOND)
  const ask: Ask = (sql) => {
    // With rights to write, as the owner has: a reader needs them to make the shared memory of a file that nobody uses.
    const db = new DatabaseSync(file)
    try {
      db.exec('pragma busy_timeout = 5000')
      return Promise.resolve(db.prepare(sql).all())
    } finally {
      db.close()
    }
  }
  return {
    databaseUrl: `sqlite:${file}`,
    takeAway: null,
    giveBack: () => Promise.resolve(),
    fillDisk: isMounted ? () => fill(folder, filler) : null,
    freeDisk: () => rmSync(filler, { force: true }),
    unsettled: (limit) => unsettled(ask, '', "due_at - unixepoch('now', 'subsec') * 1000", limit),
    read: () => read(ask, ''),
    remove: async () => {
      if (isMounted) unmount(folder)
    },
  }
}

export async function postgresStore(): Promise<TorturedStore> {
  const server = await startPostgresServer()
  const ask: Ask = async (sql) => {
    const client = new pg.Client(server.url())
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  return {
    databaseUrl: server.url(),
    takeAway: (how) => server[how](),
    giveBack: () => server.start(),
    fillDisk: null,
    freeDisk: () => {},
    unsettled: (limit) => {
      const dueInMs =
        "case when due_at = 'infinity' then 'infinity' else extract(epoch from due_at - now()) * 1000 end"
      return unsettled(ask, 'seam_relay.', dueInMs, limit)
    },
    read: () => read(ask, 'seam_relay.'),
    remove: () => server.remove(),
  }
}

/** In memory, and so no larger than it has to be: what a run stores, and room for the write-ahead log. */
const SPARE_MIB = 96
const MIB_PER_SECOND = 0.5

const CHUNK_BYTES = 1_048_576

function mount(folder: string, sizeMiB: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${Math.ceil(sizeMiB)}m`, 'tmpfs', folder], {
      stdio: 'ignore',
    })
    process.once('exit', () => unmount(folder))
    return true
  } catch {
    return false
  }
}

/** Does nothing if it is unmounted already. */
function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder])
}

function fill(folder: string, filler: string): void {
  const { bavail, bsize } = statfsSync(folder)
  // Most of it at once, and the rest by writing until nothing fits any more: relays write and free space meanwhile.
  spawnSync('fallocate', ['-l', String(Math.max(1, bavail * bsize - CHUNK_BYTES)), filler])
  const file = openSync(filler, 'a')
  try {
    for (;;) writeSync(file, Buffer.alloc(CHUNK_BYTES))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}

async function unsettled(ask: Ask, schema: string, dueInMs: string, limit: number): Promise<Leftover[]> {
  const rows = await ask(
    `select event_seq, hook, state, ${dueInMs} as due_in_ms from ${schema}deliveries
     where settled_at is null limit ${limit}`,
  )
  return rows.map((row) => ({
    seq: Number(row['event_seq']),
    hook: row['hook'] as string,
    state: row['state'] as string,
    dueInMs: Number(row['due_in_ms']),
  }))
}

const ATTEMPT = 'event_seq, hook, attempt, lease_token, started_at, status, error_code'

async function read(ask: Ask, schema: string): Promise<Stored> {
  const rows = async <T>(table: string, columns: string, of: (row: Record<string, unknown>) => T) =>
    (await ask(`select ${columns} from ${schema}${table}`)).map(of)
  return {
    ids: await rows('event_ids', 'seq, webhook_id, duplicates', (row) => ({
      seq: Number(row['seq']),
      key: row['webhook_id'] as string,
      duplicates: Number(row['duplicates']),
    })),
    events: await rows('events', 'seq, webhook_id, body', (row) => ({
      seq: Number(row['seq']),
      key: row['webhook_id'] as string,
      bodyHash: hashOf(row['body'] as string),
    })),
    deliveries: await rows('deliveries', 'event_seq, hook, state, attempts, replays', (row) => ({
      seq: Number(row['event_seq']),
      hook: row['hook'] as string,
      state: row['state'] as string,
      attempts: Number(row['attempts']),
      replays: Number(row['replays']),
    })),
    attempts: await rows('attempts', ATTEMPT, (row) => ({
      seq: Number(row['event_seq']),
      hook: row['hook'] as string,
      attempt: Number(row['attempt']),
      leaseToken: Number(row['lease_token']),
      startedAt: Number(row['started_at']) - performance.timeOrigin,
      status: row['status'] as number | null,
      errorCode: row['error_code'] as string | null,
    })),
    quarantine: await rows('quarantine', 'id, body', (row) => ({
      id: row['id'] as string,
      bodyHash: hashOf(row['body'] as Uint8Array),
    })),
  }
}
