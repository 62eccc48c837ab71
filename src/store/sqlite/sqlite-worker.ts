import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from './database.ts'
import type { OpenDatabase } from './database.ts'
import type { GroupRequest, OperationResult, WorkerMessage, WorkerStart } from './messages.ts'
import { prepareOperations } from './operations.ts'
import type { Operations } from './operations.ts'

// The store's own thread: a sync or a checkpoint that takes long holds up nobody but those who wait for it.

type AnyOperation = (request: unknown, now: number) => unknown

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const { path, lockWaitMs } = workerData as WorkerStart
try {
  serve(openDatabase(path, lockWaitMs))
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  send({ kind: 'failed', code: code ?? 'unknown', message })
  port.close()
}

function send(message: WorkerMessage): void {
  port?.postMessage(message)
}

/** Commits one group after the other; `null` ends it. */
function serve(database: OpenDatabase): void {
  const operations = prepareOperations(database.db)
  send({ kind: 'open' })
  port?.on('message', (group: GroupRequest | null) => {
    if (group === null) {
      database.close()
      port?.close()
      return
    }
    const startedAt = performance.now()
    const results =
      commitTogether(database.db, operations, group) ?? commitOneByOne(database.db, operations, group)
    send({ kind: 'done', results, commitMs: performance.now() - startedAt })
  })
}

/** All or nothing; `null` if it has to be nothing. */
function commitTogether(
  db: DatabaseSync,
  operations: Operations,
  group: GroupRequest,
): OperationResult[] | null {
  try {
    db.exec('begin immediate')
    const now = Date.now()
    const results = group.map(({ name, request }) => ({
      value: (operations[name] as AnyOperation)(request, now),
    }))
    db.exec('commit')
    return results
  } catch {
    if (db.isTransaction) db.exec('rollback')
    return null
  }
}

/** After a group has failed: the call that it failed for is refused, the others are not its victims. */
function commitOneByOne(db: DatabaseSync, operations: Operations, group: GroupRequest): OperationResult[] {
  return group.map(({ name, request }) => {
    try {
      db.exec('begin immediate')
      const value = (operations[name] as AnyOperation)(request, Date.now())
      db.exec('commit')
      return { value }
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      return { error: String(error) }
    }
  })
}
