import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished, expect, test } from 'vitest'
import { createLogOutput } from '../../src/observability/log-output.ts'
import { systemClock } from '../../src/time/clock.ts'
import { scratchFolder } from '../support/scratch.ts'
import { until } from '../support/until.ts'

test('lines are written in their order, many at once and soon', async () => {
  const path = join(scratchFolder(), 'log')
  const output = createLogOutput({ stream: { fd: opened(path, 'w') }, clock: systemClock })
  const lines = Array.from({ length: 5000 }, (_, n) => `{"n":${n},"text":"Grüße"}\n`)
  for (const line of lines) output.write(line)
  const text = lines.join('')
  await until('all lines to be written', () => readFileSync(path).length >= Buffer.byteLength(text))
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('a flush calls back when everything so far is written', async () => {
  const path = join(scratchFolder(), 'log')
  const output = createLogOutput({ stream: { fd: opened(path, 'w') }, clock: systemClock })
  output.write('one\n')
  await new Promise<void>((resolve) => output.flush(resolve))
  expect(readFileSync(path, 'utf8')).toBe('one\n')
  await new Promise<void>((resolve) => output.flush(resolve))
})

test('while the reader does not read, lines wait up to a bound, further ones are dropped, and a notice says how many', async () => {
  const path = join(scratchFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const stream = new Socket({ fd, readable: false, writable: true })
  onTestFinished(() => void stream.destroy())
  const output = createLogOutput({ stream, clock: systemClock, maxWaitingBytes: 200_000 })
  const line = `${JSON.stringify({ text: 'x'.repeat(80) })}\n`
  for (let n = 0; n < 10_000; n++) output.write(line)
  output.flush(() => {})

  let text = ''
  const chunk = Buffer.alloc(65_536)
  await until('the lines that were kept and the notice', () => {
    text += chunk.toString('utf8', 0, read(fd, chunk))
    return text.includes('log lines dropped')
  })
  const lines = text.trim().split('\n')
  const { lines: dropped } = JSON.parse(lines.pop() as string) as { lines: number }
  expect(dropped).toBeGreaterThan(5000)
  expect(dropped).toBe(output.linesDropped())
  expect(lines.length + dropped).toBe(10_000)
  expect(new Set(lines)).toEqual(new Set([line.trim()]))
})

function opened(path: string, flags: string | number): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

/** How many bytes there were to read. */
function read(fd: number, chunk: Buffer): number {
  try {
    return readSync(fd, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    return 0
  }
}
