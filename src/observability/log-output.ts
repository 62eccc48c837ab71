import type { DestinationStream } from 'pino'
import type { Clock, Timer } from '../time/clock.ts'
import { LogQueue } from './log-queue.ts'
import { openLogSink } from './log-sink.ts'
import type { OutputStream } from './log-sink.ts'

/** Where the log's lines go. */
export interface LogOutput extends DestinationStream {
  /** Calls back once every line so far is written or dropped. While the reader does not read, that can be never. */
  flush(done: () => void): void
  /** How many lines were dropped since the start because they could not be written. */
  linesDropped(): number
}

export interface LogOutputOptions {
  stream: OutputStream
  clock: Clock
  /** Lines wait for a slow reader up to this size in all; further ones are dropped. */
  maxWaitingBytes?: number
}

/** A line waits for others no longer than this, and until they are so many characters. */
const GATHER_MS = 100
const GATHER_CHARS = 8192
const MAX_WAITING_BYTES = 16_777_216

/** Gathers lines, because one write for many of them costs much less than one for each. */
export function createLogOutput(options: LogOutputOptions): LogOutput {
  const { stream, clock, maxWaitingBytes = MAX_WAITING_BYTES } = options
  const queue = new LogQueue({ sink: openLogSink(stream, clock), clock, maxWaitingBytes })
  let gathered = ''
  let lines = 0
  let timer: Timer | null = null

  function handOver(): void {
    timer?.close()
    timer = null
    if (lines === 0) return
    const batch = { bytes: Buffer.from(gathered), lines }
    gathered = ''
    lines = 0
    queue.add(batch)
  }

  function handOverSoon(): Timer {
    const soon = clock.after(GATHER_MS, handOver)
    soon.unref()
    return soon
  }

  return {
    write(line) {
      gathered += line
      lines++
      if (gathered.length >= GATHER_CHARS) handOver()
      else timer ??= handOverSoon()
    },
    flush(done) {
      handOver()
      queue.flush(done)
    },
    linesDropped: () => queue.linesDropped,
  }
}
