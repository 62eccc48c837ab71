import { Worker } from 'node:worker_threads'
import { StoreError } from '../store.ts'
import type { AcceptRequest, ClaimWant, QuarantineRequest, Settlement, Store } from '../store.ts'
import type { GroupRequest, OperationResult, WorkerMessage, WorkerStart } from './messages.ts'
import type { OperationName, RequestOf, ResultOf } from './operations.ts'

export interface SqliteStoreOptions {
  path: string
  /** How long to wait at the start for another process that holds the file. */
  lockWaitMs: number
  /** Called after each commit. */
  onCommit?: (commit: { calls: number; durationMs: number }) => void
  /** Called when the store's thread has died and no call can succeed any more. */
  onFatal?: (error: Error) => void
}

interface Call {
  name: OperationName
  request: unknown
  resolve: (value: never) => void
  reject: (error: StoreError) => void
}

/** More than this many calls waiting is more than a disk that works would leave. */
const MAX_WAITING_CALLS = 10_000
/** One transaction takes at most this many, so that the first in a long queue is not held up by the last. */
const MAX_GROUP_CALLS = 512

/**
 * The embedded store: SQLite in a thread of its own. While one group of calls is being committed, those that
 * come gather and go into the next, so a sync is shared by everyone who waits for it.
 */
export class SqliteStore implements Store {
  readonly #worker: Worker
  readonly #options: SqliteStoreOptions
  #waiting: Call[] = []
  #committing: Call[] = []
  #closed = false
  #exited: Promise<void>

  /** @throws {Error} with a `code`, if the file cannot be opened, is newer than the program, or is in use */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const start: WorkerStart = { path: options.path, lockWaitMs: options.lockWaitMs }
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: start })
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('message', (message: WorkerMessage) => {
        worker.off('error', reject)
        if (message.kind !== 'failed') return resolve()
        reject(Object.assign(new Error(`${options.path}: ${message.message}`), { code: message.code }))
      })
    })
    return new SqliteStore(worker, options)
  }

  private constructor(worker: Worker, options: SqliteStoreOptions) {
    this.#worker = worker
    this.#options = options
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'done') this.#finishGroup(message.results, message.commitMs)
    })
    this.#exited = new Promise((resolve) => {
      worker.once('error', (error) => this.#fail(error as Error))
      worker.once('exit', () => {
        if (!this.#closed) this.#fail(new Error("the store's thread ended"))
        resolve()
      })
    })
  }

  accept(request: AcceptRequest): Promise<ResultOf<'accept'>> {
    return this.#call('accept', request)
  }

  quarantine(request: QuarantineRequest): Promise<ResultOf<'quarantine'>> {
    return this.#call('quarantine', request)
  }

  claim(wants: readonly ClaimWant[]): Promise<ResultOf<'claim'>> {
    return this.#call('claim', wants)
  }

  settle(settlements: readonly Settlement[]): Promise<ResultOf<'settle'>> {
    return this.#call('settle', settlements)
  }

  async check(): Promise<void> {
    await this.#call('check', null)
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#sendGroupOrEnd()
    }
    await this.#exited
  }

  #call<N extends OperationName>(name: N, request: RequestOf<N>): Promise<ResultOf<N>> {
    if (this.#closed) return Promise.reject(new StoreError('store_closed', 'the store is closed'))
    if (this.#waiting.length >= MAX_WAITING_CALLS) {
      return Promise.reject(new StoreError('store_overloaded', 'too many calls wait for the store'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, request, resolve, reject })
      if (this.#committing.length === 0) this.#sendGroupOrEnd()
    })
  }

  #sendGroupOrEnd(): void {
    if (this.#committing.length > 0) return
    this.#committing = this.#waiting.splice(0, MAX_GROUP_CALLS)
    if (this.#committing.length > 0) {
      this.#worker.postMessage(
        this.#committing.map(({ name, request }) => ({ name, request })) satisfies GroupRequest,
      )
    } else if (this.#closed) this.#worker.postMessage(null)
  }

  #finishGroup(results: OperationResult[], durationMs: number): void {
    const calls = this.#committing
    this.#committing = []
    this.#sendGroupOrEnd()
    this.#options.onCommit?.({ calls: calls.length, durationMs })
    for (const [index, call] of calls.entries()) {
      const result = results[index] as OperationResult
      if ('value' in result) call.resolve(result.value as never)
      else call.reject(new StoreError('store_failing', `${call.name} could not be stored: ${result.error}`))
    }
  }

  #fail(error: Error): void {
    this.#closed = true
    for (const call of [...this.#committing.splice(0), ...this.#waiting.splice(0)]) {
      call.reject(new StoreError('store_failing', "the store's thread died", error))
    }
    this.#options.onFatal?.(error)
  }
}
