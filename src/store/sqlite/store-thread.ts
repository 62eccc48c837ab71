import { Worker } from 'node:worker_threads'
import type { Clock } from '../../time/clock.ts'
import { Deadline } from '../../time/deadline.ts'
import { StoreError } from '../store.ts'
import { MAX_GROUP_CALLS, MAX_WAITING_BYTES, MAX_WAITING_CALLS } from '../waiting-limits.ts'
import type { GroupRequest, WorkerMessage, WorkerStart } from './messages.ts'
import type { OperationName, RequestOf, ResultOf } from './operations.ts'
import { StoreTime } from './store-time.ts'

export interface StoreThreadOptions {
  path: string
  /** How long to wait at the start for another process that holds the file. */
  lockWaitMs: number
  /** `check` fails unless an event of this size would fit on the disk. */
  largestBodyBytes?: number
  clock: Clock
  /**
   * Called at the start, unless the file is new: by how much the wall clock is ahead of the time when the file was last
   * written. That is how long the relay was off; if it was not, the clock is wrong. Negative: the wall clock is behind,
   * and the store goes on from what it wrote last.
   */
  onReopened?: (reopened: { wallAheadMs: number }) => void
  /** Called while it is not open yet, with why that takes time. */
  onOpening?: (reason: string) => void
  /** Called with the name of the store's file, or its `-wal`, when it was removed or replaced; with `null` when it is back. */
  onFileGone?: (gone: string | null) => void
  /** Called after each commit. */
  onCommit?: (commit: { calls: number; durationMs: number }) => void
  /** Called when the store's thread has died and no call can succeed any more. */
  onFatal?: (error: Error) => void
}

interface Call {
  name: OperationName
  request: unknown
  bytes: number
  resolve: (value: never) => void
  reject: (error: StoreError) => void
}

/** Shorter than the sender's own 15 s: from a disk that hangs it should hear a 503, and not silence. */
const COMMIT_TIMEOUT_MS = 10_000

/**
 * The thread in which SQLite works, and the calls that wait for it. While one group of calls is being committed, those that
 * come gather and go into the next, so a sync is shared by everyone who waits for it.
 */
export class StoreThread {
  readonly #worker: Worker
  readonly #time: StoreTime
  readonly #options: StoreThreadOptions
  #waiting: Call[] = []
  #waitingBytes = 0
  #committing: Call[] = []
  #commitDeadline: Deadline | null = null
  #sending = false
  #closed = false
  #ended = false
  #exited: Promise<void>

  /** @throws {Error} with a `code`, if the file cannot be opened, is newer than the program, or is in use */
  static async open(options: StoreThreadOptions): Promise<StoreThread> {
    const time = new StoreTime(options.clock)
    const start: WorkerStart = {
      path: options.path,
      lockWaitMs: options.lockWaitMs,
      largestBodyBytes: options.largestBodyBytes ?? 262_144,
      now: time.now(),
    }
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: start,
      // Its garbage is short-lived rows: a small nursery keeps the process small and costs nothing measurable.
      resourceLimits: { maxYoungGenerationSizeMb: 6 },
    })
    const lastWrittenAt = await opened(worker, options)
    if (lastWrittenAt !== null) {
      const wallAheadMs = time.now() - lastWrittenAt
      time.goOnFrom(lastWrittenAt)
      options.onReopened?.({ wallAheadMs })
    }
    return new StoreThread(worker, time, options)
  }

  private constructor(worker: Worker, time: StoreTime, options: StoreThreadOptions) {
    this.#worker = worker
    this.#time = time
    this.#options = options
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'done') this.#finishGroup(message)
      if (message.kind === 'file') options.onFileGone?.(message.gone)
    })
    this.#exited = new Promise((resolve) => {
      worker.once('error', (error) => this.#fail(error as Error))
      worker.once('exit', () => {
        if (!this.#closed) this.#fail(new Error("the store's thread ended"))
        resolve()
      })
    })
  }

  /** The store's time, in milliseconds since 1970. */
  now(): number {
    return this.#time.now()
  }

  /** Finishes what was asked before, then lets go of the file. What is asked later is refused. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true
    this.#sendSoon()
    await this.#exited
  }

  /** @throws {StoreError} once it is closed */
  refuseIfClosed(): void {
    if (this.#closed) throw new StoreError('store_closed', 'the store is closed')
  }

  /** @param bytes how much of the memory for waiting calls the request takes */
  call<N extends OperationName>(name: N, request: RequestOf<N>, bytes = 0): Promise<ResultOf<N>> {
    if (this.#closed) return Promise.reject(new StoreError('store_closed', 'the store is closed'))
    if (this.#waiting.length >= MAX_WAITING_CALLS || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      return Promise.reject(new StoreError('store_overloaded', 'too many calls wait for the store'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, request, bytes, resolve, reject })
      this.#waitingBytes += bytes
      this.#sendSoon()
    })
  }

  /** Not at once: what those do next who have just been answered goes into the same group (half as many commits, measured). */
  #sendSoon(): void {
    if (this.#sending || this.#committing.length > 0) return
    this.#sending = true
    setImmediate(() => {
      this.#sending = false
      this.#send()
    })
  }

  #send(): void {
    this.#committing = this.#waiting.splice(0, MAX_GROUP_CALLS)
    if (this.#committing.length > 0) {
      for (const { bytes } of this.#committing) this.#waitingBytes -= bytes
      this.#watchCommit()
      const group: GroupRequest = {
        now: this.#time.now(),
        names: this.#committing.map(({ name }) => name),
        requests: this.#committing.map(({ request }) => request),
      }
      this.#worker.postMessage(group)
    } else if (this.#closed && !this.#ended) {
      this.#ended = true
      this.#worker.postMessage(null)
    }
  }

  #finishGroup({ results, refusals, commitMs }: WorkerMessage & { kind: 'done' }): void {
    const calls = this.#committing
    this.#committing = []
    this.#commitDeadline?.close()
    if (this.#waiting.length > 0 || this.#closed) this.#sendSoon()
    this.#options.onCommit?.({ calls: calls.length, durationMs: commitMs })
    for (const { index, reason } of refusals) {
      const call = calls[index] as Call
      call.reject(new StoreError('store_failing', `${call.name} could not be stored: ${reason}`))
    }
    // Those that were rejected above stay so.
    for (const [index, call] of calls.entries()) call.resolve(results[index] as never)
  }

  /** Refuses everyone who waits, again and again for as long as the commit hangs. */
  #watchCommit(): void {
    this.#commitDeadline = new Deadline(this.#options.clock, COMMIT_TIMEOUT_MS, () => {
      this.#refuseAll()
      this.#watchCommit()
    })
  }

  /** The commit may still succeed; asking again then finds that it has. */
  #refuseAll(): void {
    const error = new StoreError('store_overloaded', 'the store has not answered for too long')
    for (const call of this.#committing) call.reject(error)
    for (const call of this.#waiting.splice(0)) call.reject(error)
    this.#waitingBytes = 0
  }

  #fail(error: Error): void {
    this.#closed = true
    this.#commitDeadline?.close()
    for (const call of [...this.#committing.splice(0), ...this.#waiting.splice(0)]) {
      call.reject(new StoreError('store_failing', "the store's thread died", error))
    }
    this.#options.onFatal?.(error)
  }
}

/** @returns when the file was last written before; `null` for a new one */
function opened(worker: Worker, { path, onOpening }: StoreThreadOptions): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  const listen = (message: WorkerMessage) => {
    if (message.kind === 'migrating') onOpening?.(`the store is being migrated (${message.steps} steps)`)
    if (message.kind === 'open') resolve(message.lastWrittenAt)
    if (message.kind === 'failed')
      reject(Object.assign(new Error(`${path}: ${message.message}`), { code: message.code }))
  }
  worker.on('message', listen)
  worker.once('error', reject)
  return promise.finally(() => {
    worker.off('message', listen)
    worker.off('error', reject)
  })
}
