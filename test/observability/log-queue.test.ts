import { expect, test } from 'vitest'
import { LogQueue } from '../../src/observability/log-queue.ts'
import type { LogSink, Written } from '../../src/observability/log-sink.ts'
import { ManualClock } from '../support/manual-clock.ts'

const ALL: Written = { kind: 'all' }
const NOTHING: Written = { kind: 'failed', bytes: 0 }
const REST_MS = 1000

test('one write is under way at a time, and the lines that came meanwhile go together into the next', () => {
  const { queue, writes, answer } = newQueue()
  for (const text of ['a\n', 'b\n', 'c\n']) queue.add(batch(text))
  expect(writes).toEqual(['a\n'])
  answer(ALL)
  expect(writes).toEqual(['a\n', 'b\nc\n'])
  answer(ALL)
  expect(writes).toHaveLength(2)
  expect(queue.linesDropped).toBe(0)
})

test('after a failed write everything that waits is dropped, and the next write comes after a rest', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('a\nb\n'))
  queue.add(batch('c\n'))
  answer(NOTHING)
  expect(queue.linesDropped).toBe(3)
  queue.add(batch('d\n'))
  clock.advance(REST_MS - 1)
  expect(writes).toHaveLength(1)
  clock.advance(1)
  expect(writes).toHaveLength(2)
})

test('the first line after the rest says how many were dropped, then the log goes on', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('a\nb\n'))
  answer(NOTHING)
  queue.add(batch('c\n'))
  clock.advance(REST_MS)
  expect(JSON.parse(writes[1] as string)).toMatchObject({ level: 40, lines: 2, msg: 'log lines dropped' })
  answer(ALL)
  expect(writes[2]).toBe('c\n')
  answer(ALL)
  expect(writes).toHaveLength(3)
})

test('while writes go on failing, one is tried after each rest, and the notice counts all that was lost', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('a\n'))
  answer(NOTHING)
  for (let seconds = 0; seconds < 5; seconds++) {
    queue.add(batch('b\n'))
    clock.advance(REST_MS)
    answer(NOTHING)
  }
  expect(writes).toHaveLength(6)
  clock.advance(REST_MS)
  answer(ALL)
  expect(JSON.parse(writes[6] as string)).toMatchObject({ lines: 6 })
  expect(queue.linesDropped).toBe(6)
})

test('a line that was cut by a full disk counts as lost, and the notice begins a line of its own', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('first\nsecond\nthird\n'))
  answer({ kind: 'failed', bytes: 'first\nsec'.length })
  expect(queue.linesDropped).toBe(2)
  clock.advance(REST_MS)
  expect(writes[1]).toMatch(/^\n\{.*"lines":2,.*\}\n$/)
})

test('a write that failed between two lines cuts none', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('first\nsecond\n'))
  answer({ kind: 'failed', bytes: 'first\n'.length })
  clock.advance(REST_MS)
  expect(writes[1]).toMatch(/^\{.*"lines":1,/)
})

test('lines beyond the bound are dropped, and the notice follows the lines that waited', () => {
  const { queue, writes, answer } = newQueue(10)
  queue.add(batch('12345\n'))
  queue.add(batch('678\n'))
  queue.add(batch('9\n'))
  expect(queue.linesDropped).toBe(1)
  answer(ALL)
  expect(writes[1]).toBe('678\n')
  answer(ALL)
  expect(JSON.parse(writes[2] as string)).toMatchObject({ lines: 1 })
  answer(ALL)
  queue.add(batch('abc\n'))
  expect(writes).toHaveLength(4)
})

test('when the reader is gone for good, lines are dropped at once and nothing is written any more', () => {
  const { queue, writes, answer, clock } = newQueue()
  queue.add(batch('a\n'))
  queue.add(batch('b\n'))
  answer({ kind: 'closed' })
  queue.add(batch('c\n'))
  clock.advance(10 * REST_MS)
  expect(writes).toHaveLength(1)
  expect(queue.linesDropped).toBe(3)
})

test('a flush calls back once the lines are written', () => {
  const { queue, answer } = newQueue()
  let flushes = 0
  queue.flush(() => flushes++)
  expect(flushes).toBe(1)
  queue.add(batch('a\n'))
  queue.add(batch('b\n'))
  queue.flush(() => flushes++)
  answer(ALL)
  expect(flushes).toBe(1)
  answer(ALL)
  expect(flushes).toBe(2)
})

test('a flush cuts the rest short, and calls back too when the lines are lost', () => {
  const { queue, writes, answer } = newQueue()
  queue.add(batch('a\n'))
  answer(NOTHING)
  queue.add(batch('b\n'))
  let isFlushed = false
  queue.flush(() => (isFlushed = true))
  expect(writes).toHaveLength(2)
  expect(isFlushed).toBe(false)
  answer(NOTHING)
  expect(isFlushed).toBe(true)
  expect(queue.linesDropped).toBe(2)
})

function batch(text: string): { bytes: Buffer; lines: number } {
  return { bytes: Buffer.from(text), lines: text.split('\n').length - 1 }
}

/** A queue before a disk that takes a write when the test says what becomes of it. */
function newQueue(maxWaitingBytes = 1000) {
  const clock = new ManualClock()
  const writes: string[] = []
  let finish: ((written: Written) => void) | null = null
  const sink: LogSink = {
    write(bytes, done) {
      expect(finish).toBeNull()
      writes.push(bytes.toString())
      finish = done
    },
  }
  return {
    clock,
    writes,
    queue: new LogQueue({ sink, clock, maxWaitingBytes }),
    answer: (written: Written) => {
      const done = finish
      finish = null
      if (done === null) throw new Error('nothing is being written')
      done(written)
    },
  }
}
