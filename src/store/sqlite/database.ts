import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { lastWrittenAt } from './last-written.ts'
import { judgeSchema, migrate } from './migrations.ts'

const SQLITE_BUSY = 5
const LOCK_STEP_MS = 100

/** Raised when another process holds the file's lock. */
export class StoreInUseError extends Error {
  readonly code = 'store_in_use'
}

/** An open database, and the lock that makes this process its only user. */
export interface OpenDatabase {
  db: DatabaseSync
  /** When it was last written before, by its own time; `null` for a new one. */
  lastWrittenAt: number | null
  close(): void
}

/**
 * Opens the file, made if it is not there, for this process alone, and brings it to the current schema.
 * @param lockWaitMs how long to wait for a process that is just stopping
 * @param now milliseconds since 1970, for the deliveries whose leases end with this
 * @param onMigrating called with the number of steps before the file is brought to the current schema, which may take minutes
 * @throws {StoreInUseError} if another process keeps it
 * @throws {SchemaError} if the file is not one to work with; it is left as it was
 */
export function openDatabase(
  path: string,
  lockWaitMs: number,
  now: number,
  onMigrating?: (steps: number) => void,
): OpenDatabase {
  const file = path === ':memory:' ? path : realFile(path)
  const lock = lockFile(`${file}.lock`, lockWaitMs)
  let db: DatabaseSync | null = null
  try {
    if (file !== ':memory:') refuseHardLinks(file)
    db = new DatabaseSync(file)
    // Before the first pragma: the journal mode, for one, is written into the file.
    judgeSchema(db)
    // auto_vacuum first: it can only be chosen before the first table is made.
    db.exec('pragma auto_vacuum = incremental')
    db.exec('pragma journal_mode = wal')
    // Every commit is synced, not only every checkpoint: a 2xx must survive a power cut.
    db.exec('pragma synchronous = full')
    // A small cache: ids are looked up at random, so that the system's serves as well and the processor's better
    // (32 MiB cost the thread 9 % more). 4 MiB.
    db.exec('pragma busy_timeout = 5000; pragma cache_size = -4096; pragma temp_store = memory')
    // Pages until the log is copied back. Who waits at that moment waits for it: at 4000 the longest was 42 ms, at
    // 1000 it is 21, for the same throughput.
    db.exec('pragma wal_autocheckpoint = 1000; pragma journal_size_limit = 67108864')
    migrate(db, onMigrating)
    const writtenAt = lastWrittenAt(db)
    releaseLeases(db, Math.max(now, writtenAt ?? now))
    return opened(db, lock, writtenAt)
  } catch (error) {
    db?.close()
    lock.close()
    throw error
  }
}

/** The file's path without symlinks, so that every path that leads to it leads to one lock. The file is made if it is not there. */
function realFile(path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  // Made first, because a symlink can also name a file that does not exist yet. A file that exists is not opened:
  // closing it would end the locks that SQLite holds on it in this process.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o644))
  return realpathSync(path)
}

/**
 * Each name of a file has its own lock and its own `-wal`. Under a second name, two processes would send the same
 * events, and after a crash the changes in the other name's `-wal` would be missed: so no second name, even when
 * nobody is using the first.
 * @throws {StoreInUseError}
 */
function refuseHardLinks(file: string): void {
  const names = statSync(file).nlink
  if (names <= 1) return
  throw new StoreInUseError(
    `the store's file has ${names} names (hard links), and another seam-relay may be using it under another one: stop it, remove every name but the one that it used, and start with that one`,
  )
}

function opened(db: DatabaseSync, lock: DatabaseSync, writtenAt: number | null): OpenDatabase {
  return {
    db,
    lastWrittenAt: writtenAt,
    close() {
      db.close()
      lock.close()
    },
  }
}

/**
 * A lock that the system lets go of when the process ends, however it ends: an open exclusive transaction on a
 * small database beside the real one. The real one stays readable for backups.
 */
function lockFile(path: string, waitMs: number): DatabaseSync {
  const lock = new DatabaseSync(path)
  try {
    begin(lock, waitMs)
    return lock
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new StoreInUseError(
      `another seam-relay is using this store (${path} is locked): one process uses a store at a time, so stop the other first`,
      { cause: error },
    )
  }
}

/** SQLite waits in steps, because nothing can end this thread while it is inside SQLite, and a stop must not wait for it. */
function begin(lock: DatabaseSync, waitMs: number): void {
  lock.exec(`pragma busy_timeout = ${LOCK_STEP_MS}`)
  for (let waitedMs = 0; ; waitedMs += LOCK_STEP_MS) {
    try {
      lock.exec('begin exclusive')
      return
    } catch (error) {
      if (!isBusy(error) || waitedMs >= waitMs) throw error
    }
  }
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY
}

/**
 * The process that held these leases was this file's only user and is gone, so nobody would gain by waiting until they
 * run out. The token is raised, so that an outcome of such a lease cannot settle the delivery.
 */
function releaseLeases(db: DatabaseSync, now: number): void {
  db.prepare(
    `update deliveries set state = 'pending', due_at = ?, lease_token = lease_token + 1
     where state = 'leased' and due_at is not null`,
  ).run(now)
}
