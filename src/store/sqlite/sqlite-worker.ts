import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../time/clock.ts'
import { prepareWriteTime } from './last-written.ts'
import { openDatabase } from './database.ts'
import type { OpenDatabase } from './database.ts'
import type { GroupRequest, Refusal, WorkerMessage, WorkerStart } from './messages.ts'
import { prepareOperations } from './operations.ts'
import type { Operations } from './operations.ts'
import { watchFile } from './same-file.ts'

// The store's own thread, so that a slow sync or checkpoint delays only the calls that wait for it.

type AnyOperation = (request: unknown, now: number) => unknown

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const { path, lockWaitMs, largestBodyBytes, now } = workerData as WorkerStart
try {
  const database = openDatabase(path, lockWaitMs, now)
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
  const refuseIfGone = watchFile(database.db.location())
  port?.on('message', (group: GroupRequest | null) => {
    if (group === null) {
      database.close()
      port?.close()
      return
    }
    const startedAt = systemClock.steadyMs()
    const done =
      refusedBy(() => refuseIfGone(startedAt), group) ??
      commitTogether(database.db, operations, group) ??
      commitOneByOne(database.db, operations, group)
    send({ kind: 'done', ...done, commitMs: systemClock.steadyMs() - startedAt })
    writeTime(group.now)
  })
}

interface Committed {
  results: unknown[]
  refusals: Refusal[]
}

/** Every call refused, for the reason that the guard throws; `null` if it throws none. */
function refusedBy(guard: () => void, { names }: GroupRequest): Committed | null {
  try {
    guard()
    return null
  } catch (error) {
    const reason = String(error)
    return { results: names.map(() => null), refusals: names.map((_name, index) => ({ index, reason })) }
  }
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
