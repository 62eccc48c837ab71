import { constants, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import type { Clock } from '../time/clock.ts'

/** `process.stdout` or `process.stderr` as Node has opened it; the descriptor of anything else. */
export type OutputStream = Socket | { fd: number; isTTY?: boolean }

/**
 * What became of the bytes. `failed`: this many of them were written and the rest was not, and it may go better later.
 * `closed`: nobody will ever read what is written here.
 */
export type Written = { kind: 'all' } | { kind: 'failed'; bytes: number } | { kind: 'closed' }

/** Takes bytes, one write at a time. Neither the event loop nor the end of the process ever waits for the reader. */
export interface LogSink {
  write(bytes: Buffer, done: (written: Written) => void): void
}

/**
 * Pipes and sockets are written through Node's stream, which never blocks and goes on when the reader does. A terminal
 * and a file are written by Node's thread pool: Node's own streams write to them from the main thread, and block it.
 * A pipe must not be written that way, because the end of the process waits for the pool, and so for its reader.
 */
export function openLogSink(stream: OutputStream, clock: Clock): LogSink {
  if ('isTTY' in stream && stream.isTTY) return descriptorSink(withoutBlocking(stream.fd), clock)
  return stream instanceof Socket ? streamSink(stream) : descriptorSink(stream.fd, clock)
}

function streamSink(stream: Socket): LogSink {
  // Each write hears of its own error; an error event that nobody listens to would end the process.
  stream.on('error', () => {})
  return {
    write(bytes, done) {
      stream.write(bytes, (error) => done(error ? { kind: 'closed' } : { kind: 'all' }))
    },
  }
}

/** The pauses while a terminal takes nothing more: each is twice as long as the one before. */
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 100

function descriptorSink(fd: number, clock: Clock): LogSink {
  function writeFrom(offset: number, pauseMs: number, bytes: Buffer, done: (written: Written) => void): void {
    write(fd, bytes, offset, bytes.length - offset, null, (error, count) => {
      if (error !== null && error.code !== 'EAGAIN') return done({ kind: 'failed', bytes: offset })
      if (error !== null || count === 0) {
        const longerMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
        clock.after(pauseMs, () => writeFrom(offset, longerMs, bytes, done)).unref()
      } else if (offset + count < bytes.length) {
        writeFrom(offset + count, FIRST_PAUSE_MS, bytes, done)
      } else {
        done({ kind: 'all' })
      }
    })
  }

  return { write: (bytes, done) => writeFrom(0, FIRST_PAUSE_MS, bytes, done) }
}

/**
 * The same terminal, opened once more so that a write returns when the terminal takes nothing. Only this descriptor is
 * changed, not the one that we share with the shell. Where there is no /proc, the terminal can still block a thread.
 */
function withoutBlocking(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return fd
  }
}
