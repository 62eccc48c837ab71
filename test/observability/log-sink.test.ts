import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openLogSink } from '../../src/observability/log-sink.ts'
import type { LogSink, Written } from '../../src/observability/log-sink.ts'
import { systemClock } from '../../src/time/clock.ts'
import { scratchFolder } from '../support/scratch.ts'
import { until } from '../support/until.ts'

const megabyte = Buffer.from(Array.from({ length: 1_048_576 }, (_, n) => n % 251))

test.each([
  ['a descriptor that takes little at a time, as a terminal does', (fd: number) => ({ fd })],
  ['a stream', (fd: number) => new Socket({ fd, readable: false, writable: true })],
])('%s gets every byte in its order, as fast as they are read', async (_, streamOf) => {
  const { readEnd, writeEnd } = pipe()
  const written = write(openLogSink(streamOf(writeEnd), systemClock), megabyte)
  const read: Buffer[] = []
  await until('everything to be read', () => {
    const chunk = Buffer.alloc(100_000)
    read.push(chunk.subarray(0, readNow(readEnd, chunk)))
    return Buffer.concat(read).length === megabyte.length
  })
  expect(Buffer.concat(read).equals(megabyte)).toBe(true)
  expect(await written).toEqual({ kind: 'all' })
})

test('a stream whose reader has gone is closed', async () => {
  const { readEnd, writeEnd } = pipe()
  const sink = openLogSink(new Socket({ fd: writeEnd, readable: false, writable: true }), systemClock)
  closeSync(readEnd)
  expect(await write(sink, Buffer.from('one\n'))).toEqual({ kind: 'closed' })
  expect(await write(sink, Buffer.from('two\n'))).toEqual({ kind: 'closed' })
})

test('a device that is full fails, and says that nothing was written', async () => {
  const fd = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(fd))
  const sink = openLogSink({ fd }, systemClock)
  expect(await write(sink, Buffer.from('one\n'))).toEqual({ kind: 'failed', bytes: 0 })
})

function write(sink: LogSink, bytes: Buffer): Promise<Written> {
  return new Promise((resolve) => sink.write(bytes, resolve))
}

/** Both ends of a pipe that holds 64 KiB. Neither blocks. */
function pipe(): { readEnd: number; writeEnd: number } {
  const path = join(scratchFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { readEnd, writeEnd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) }
}

/** How many bytes there were to read. */
function readNow(fd: number, chunk: Buffer): number {
  try {
    return readSync(fd, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    return 0
  }
}
