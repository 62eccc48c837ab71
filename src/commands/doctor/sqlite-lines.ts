import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import { judgeSchema } from '../../store/sqlite/migrations.ts'
import { bytes } from '../amount.ts'
import { diskLine } from './disk-line.ts'
import type { Line } from './line.ts'
import { ok, wrong } from './line.ts'

const SQLITE_BUSY = 5

/** Looks at the embedded store, also while a seam-relay uses it, and changes nothing in it. */
export function sqliteLines(path: string): Line[] {
  const folder = nearestFolder(dirname(resolve(path)))
  return [storeLine(path, folder), diskLine(folder)]
}

function storeLine(path: string, folder: string): Line {
  if (!mayWrite(folder)) {
    const advice = 'Give the folder to the user that seam-relay runs as, or name another in DATABASE_URL.'
    return wrong('store', `the folder ${folder} cannot be written by this user`, advice)
  }
  if (!existsSync(path)) return ok('store', `${path} is not there yet: the first start makes it`)
  const file = realpathSync(path)
  if (!mayWrite(file)) {
    const advice = 'Give the file to the user that seam-relay runs as.'
    return wrong('store', `the file ${path} cannot be written by this user`, advice)
  }
  try {
    const inUse = isInUse(file)
    readSchema(file)
    return ok(
      'store',
      `${path}: ${bytes(sizeOf(file))}, ${inUse ? 'in use by a seam-relay' : 'in use by nobody'}`,
    )
  } catch (error) {
    const text = `${path}: ${(error as Error).message}`
    return wrong(
      'store',
      text,
      'See docs/operations.md about backup and restore before anything else touches it.',
    )
  }
}

/** @throws if it is not a store that this version knows */
function readSchema(file: string): void {
  // Without a log beside it, the file is complete, and is read without leaving a trace.
  const url = pathToFileURL(file)
  if (!existsSync(`${file}-wal`)) url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true })
  try {
    judgeSchema(db)
  } finally {
    db.close()
  }
}

/** A seam-relay keeps an exclusive transaction open on the lock beside the file, which cannot be read meanwhile. */
function isInUse(file: string): boolean {
  if (!existsSync(`${file}.lock`)) return false
  const lock = new DatabaseSync(`${file}.lock`, { readOnly: true })
  try {
    lock.exec('select count(*) from sqlite_schema')
    return false
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return true
    throw error
  } finally {
    lock.close()
  }
}

/** With its log, which holds what was written last. */
function sizeOf(file: string): number {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  return statSync(file).size + (wal?.size ?? 0)
}

/** The folder, or the nearest one above it that is there. A start makes those that are missing. */
function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(dirname(folder))
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
