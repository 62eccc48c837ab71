import type { Clock, Timer } from '../time/clock.ts'
import type { LogSink, Written } from './log-sink.ts'

export interface LogQueueOptions {
  sink: LogSink
  clock: Clock
  /** Batches wait for a slow reader up to this size in all; further ones are dropped. */
  maxWaitingBytes: number
}

/** Lines that are written together. */
export interface LogBatch {
  bytes: Buffer
  lines: number
}

/** The line that says how many were lost. `upTo`: the lines dropped since the start, once it is written. */
interface Notice extends LogBatch {
  upTo: number
}

type State = { name: 'idle' | 'writing' | 'closed' } | { name: 'resting'; timer: Timer }

/** After a write that failed, the next one is tried when this has passed. */
const REST_MS = 1000
const MAX_WRITE_BYTES = 262_144
const NEWLINE = 0x0a

/**
 * The batches that wait to be written, one write at a time. Whatever becomes of the reader or of the disk, the relay
 * goes on: lines are dropped and counted, and a notice says how many once they can be written again.
 *
 *   idle ◀──▶ writing    until nothing waits
 *     ▲          ├──▶ closed     the reader is gone for good: every further line is dropped
 *     └ resting ◀┘               the write failed (a full disk): everything that waits is dropped. After the rest the
 *                                notice is written, which shows whether writing works again.
 */
export class LogQueue {
  readonly #options: LogQueueOptions
  #state: State = { name: 'idle' }
  #waiting: LogBatch[] = []
  /** Of the batches that wait and of the one that is being written. */
  #heldBytes = 0
  #dropped = 0
  /** How many of the dropped lines the notices so far have told. */
  #told = 0
  #lastFailed = false
  #endsInMidLine = false
  #flushes: (() => void)[] = []

  constructor(options: LogQueueOptions) {
    this.#options = options
  }

  get linesDropped(): number {
    return this.#dropped
  }

  add(batch: LogBatch): void {
    const isFull = this.#heldBytes + batch.bytes.length > this.#options.maxWaitingBytes
    if (isFull || this.#state.name === 'closed') {
      this.#dropped += batch.lines
      return
    }
    this.#waiting.push(batch)
    this.#heldBytes += batch.bytes.length
    if (this.#state.name === 'idle') this.#writeNext()
  }

  /** Calls back once everything so far is written or dropped. While the reader does not read, that can be never. */
  flush(done: () => void): void {
    this.#flushes.push(done)
    if (this.#state.name === 'resting') {
      this.#state.timer.close()
      this.#writeNext()
    } else if (this.#state.name !== 'writing') {
      this.#finishFlushes()
    }
  }

  #writeNext(): void {
    const isNoticeDue = this.#dropped > this.#told && (this.#lastFailed || this.#waiting.length === 0)
    const batch = isNoticeDue ? this.#notice() : this.#takeWaiting()
    if (batch === undefined) {
      this.#state = { name: 'idle' }
      this.#finishFlushes()
      return
    }
    this.#state = { name: 'writing' }
    this.#options.sink.write(batch.bytes, (written) => this.#finish(batch, written))
  }

  /** Together as many as one write may carry: the fuller the queue, the fewer writes. */
  #takeWaiting(): LogBatch | undefined {
    let bytes = 0
    let count = 0
    for (const one of this.#waiting) {
      bytes += one.bytes.length
      if (count > 0 && bytes > MAX_WRITE_BYTES) break
      count++
    }
    const batches = this.#waiting.splice(0, count)
    if (batches.length < 2) return batches[0]
    return {
      bytes: Buffer.concat(batches.map((one) => one.bytes)),
      lines: batches.reduce((sum, one) => sum + one.lines, 0),
    }
  }

  #finish(batch: LogBatch | Notice, written: Written): void {
    if (!isNotice(batch)) this.#heldBytes -= batch.bytes.length
    switch (written.kind) {
      case 'all':
        if (isNotice(batch)) this.#told = batch.upTo
        this.#lastFailed = false
        this.#endsInMidLine = false
        this.#writeNext()
        return
      case 'failed':
        this.#dropped += batch.lines - newlinesIn(batch.bytes.subarray(0, written.bytes))
        if (written.bytes > 0) this.#endsInMidLine = batch.bytes[written.bytes - 1] !== NEWLINE
        this.#lastFailed = true
        this.#state = { name: 'resting', timer: this.#rest() }
        this.#dropWaiting()
        return
      case 'closed':
        this.#dropped += batch.lines
        this.#state = { name: 'closed' }
        this.#dropWaiting()
        return
    }
  }

  #rest(): Timer {
    const timer = this.#options.clock.after(REST_MS, () => this.#writeNext())
    timer.unref()
    return timer
  }

  #notice(): Notice {
    const lines = this.#dropped - this.#told
    const line = { level: 40, time: this.#options.clock.wallMs(), lines, msg: 'log lines dropped' }
    // The full disk may have cut a line: the notice must not be appended to its first half.
    const text = `${this.#endsInMidLine ? '\n' : ''}${JSON.stringify(line)}\n`
    return { bytes: Buffer.from(text), lines: 0, upTo: this.#dropped }
  }

  #dropWaiting(): void {
    for (const { lines } of this.#waiting) this.#dropped += lines
    this.#waiting = []
    this.#heldBytes = 0
    this.#finishFlushes()
  }

  #finishFlushes(): void {
    for (const done of this.#flushes.splice(0)) done()
  }
}

function isNotice(batch: LogBatch | Notice): batch is Notice {
  return 'upTo' in batch
}

function newlinesIn(bytes: Buffer): number {
  return bytes.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0)
}
