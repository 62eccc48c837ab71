import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../time/clock.ts'
import { prepareWriteTime } from './last-written.ts'
import { openDatabase } from './database.ts'
import type { OpenDatabase } from './database.ts'
import type { GroupRequest, Refusal, WorkerMessage, WorkerStart } from './messages.ts'
import { prepareOperations } from './operations.ts'
import type { Operations } from './operations.ts'
import { guardFile } from './same-file.ts'
import type { FileGuard } from './same-file.ts'
import { discountTimeOff } from './time-off.ts'

// The store's own thread, so that a slow sync or checkpoint delays only the calls that wait for it.

type AnyOperation = (request: unknown, now: number) => unknown

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const { path, lockWaitMs, largestBodyBytes, now } = workerData as WorkerStart
try {
  const database = openDatabase(path, lockWaitMs, now, (steps) => send({ kind: 'migrating', steps }))
  discountTimeOff(database.db, database.lastWrittenAt, now)
  serve(database, largestBodyBytes)
  send({ kind: 'open', lastWrittenAt: database.lastWrittenAt })
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  send({ kind: 'failed', code: code ?? 'unknown', message })
  port.close()
}

function send(message: WorkerMessage): void {
  port?.postMessage(message)
}

/** Commits one group after the other; `null` ends it. */
function serve(database: OpenDatabase, largestBodyBytes: number): void {
  const operations = prepareOperations(database.db, largestBodyBytes)
  const writeTime = prepareWriteTime(database.db)
  const file = guardFile(database.db, (gone) => send({ kind: 'file', gone }))
  port?.on('message', (group: GroupRequest | null) => {
    if (group === null) {
      // Not for the answer: if the file is another by now, the log must not be left beside it.
      file.refusal()
      database.close()
      port?.close()
      return
    }
    const startedAt = systemClock.steadyMs()
    const done = commitGuarded(file, group, () => {
      return commitTogether(database.db, operations, group) ?? commitOneByOne(database.db, operations, group)
    })
    send({ kind: 'done', ...done, commitMs: systemClock.steadyMs() - startedAt })
    writeTime(group.now)
  })
}

interface Committed {
  results: unknown[]
  refusals: Refusal[]
}

/** The file is looked at again after the commit: nothing is answered as stored that went into a file that was gone by then. */
function commitGuarded(file: FileGuard, { names }: GroupRequest, commitGroup: () => Committed): Committed {
  const refused = (reason: string) => ({
    results: names.map(() => null),
    refusals: names.map((_name, index) => ({ index, reason })),
  })
  const before = file.refusal()
  if (before !== null) return refused(before)
  const committed = commitGroup()
  const after = file.refusal()
  return after === null ? committed : refused(after)
}

/** All or nothing; `null` if it has to be nothing. */
function commitTogether(db: DatabaseSync, operations: Operations, group: GroupRequest): Committed | null {
  try {
    return { results: commit(db, operations, group), refusals: [] }
  } catch {
    return null
  }
}

/** After a group has failed: the call that it failed for is refused, the others are not its victims. */
function commitOneByOne(
  db: DatabaseSync,
  operations: Operations,
  { now, names, requests }: GroupRequest,
): Committed {
  const refusals: Refusal[] = []
  const results = names.map((name, index) => {
    try {
      return commit(db, operations, { now, names: [name], requests: [requests[index]] })[0]
    } catch (error) {
      refusals.push({ index, reason: String(error) })
      return null
    }
  })
  return { results, refusals }
}

function commit(db: DatabaseSync, operations: Operations, { now, names, requests }: GroupRequest): unknown[] {
  try {
    db.exec('begin immediate')
    const results = names.map((name, index) => (operations[name] as AnyOperation)(requests[index], now))
    db.exec('commit')
    return results
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}
