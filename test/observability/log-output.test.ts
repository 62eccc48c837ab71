import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, expect, test } from 'vitest'
import { createLogOutput } from '../../src/observability/log-output.ts'
import { scratchFolder } from '../support/scratch.ts'
import { until } from '../support/until.ts'

test('lines are written in their order, in lots and soon', async () => {
  const path = join(scratchFolder(), 'log')
  const output = createLogOutput({ fd: opened(path, 'w') })
  const lines = Array.from({ length: 5000 }, (_, n) => `{"n":${n},"text":"Grüße"}\n`)
  for (const line of lines) output.write(line)
  const text = lines.join('')
  await until('all to be written', () => readFileSync(path).length >= Buffer.byteLength(text))
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('a flush calls back when everything so far is written', async () => {
  const path = join(scratchFolder(), 'log')
  const output = createLogOutput({ fd: opened(path, 'w') })
  output.write('one\n')
  await new Promise<void>((resolve) => output.flush(resolve))
  expect(readFileSync(path, 'utf8')).toBe('one\n')
  await new Promise<void>((resolve) => output.flush(resolve))
})

test('a reader that does not read costs lines and no memory, and is told how many', async () => {
  const path = join(scratchFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const fd = opened(path, constants.O_RDWR | constants.O_NONBLOCK)
  const output = createLogOutput({ fd, maxWaitingBytes: 200_000 })
  const line = `${JSON.stringify({ text: 'x'.repeat(80) })}\n`
  for (let n = 0; n < 10_000; n++) output.write(line)

  let text = ''
  const chunk = Buffer.alloc(65_536)
  await until('what was kept to come', () => {
    text += chunk.toString('utf8', 0, read(fd, chunk))
    return text.includes('log lines dropped')
  })
  const lines = text.trim().split('\n')
  const { lines: dropped } = JSON.parse(lines.pop() as string) as { lines: number }
  expect(dropped).toBeGreaterThan(5000)
  expect(lines.length + dropped).toBe(10_000)
  expect(new Set(lines)).toEqual(new Set([line.trim()]))
})

function opened(path: string, flags: string | number): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

/** How many bytes came; none where there are none yet. */
function read(fd: number, chunk: Buffer): number {
  try {
    return readSync(fd, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    return 0
  }
}
