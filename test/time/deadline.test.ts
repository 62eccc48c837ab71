import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadline, MAX_EXTENSION_MS, countedMs, nextSlice } from '../../src/time/deadline.ts'
import { ManualClock } from '../support/manual-clock.ts'

function deadlineOf(spanMs: number) {
  const clock = new ManualClock()
  const ends: string[] = []
  const deadline = new Deadline(clock, spanMs, (end) => ends.push(end))
  return { clock, deadline, ends }
}

test('a deadline passes when its span is over, and not before', async () => {
  const { clock, ends } = deadlineOf(15_000)
  clock.advance(14_999)
  await turn()
  expect(ends).toEqual([])
  clock.advance(1)
  await turn()
  expect(ends).toEqual(['passed'])
  expect(clock.timers).toBe(0)
})

test('the event loop turns once more before a deadline ends, and what is read then closes it', async () => {
  const { clock, deadline, ends } = deadlineOf(300)
  clock.advance(300)
  expect(ends).toEqual([])
  deadline.close()
  await turn()
  expect(ends).toEqual([])
})

test('a closed deadline leaves no timer behind', async () => {
  const { clock, deadline, ends } = deadlineOf(15_000)
  clock.advance(7000)
  deadline.close()
  deadline.close()
  expect(clock.timers).toBe(0)
  clock.advance(15_000)
  await turn()
  expect(ends).toEqual([])
})

test('a stall in the middle does not count: the other side gets its whole span', async () => {
  const { clock, ends } = deadlineOf(3000)
  clock.advance(1000)
  clock.stall(4000)
  clock.advance(1999)
  await turn()
  expect(ends).toEqual([])
  clock.advance(1)
  await turn()
  expect(ends).toEqual(['passed'])
})

test('a stall that is longer than the span and its extension ends as stalled, after one turn', async () => {
  const { clock, deadline, ends } = deadlineOf(15_000)
  clock.advance(100)
  expect(deadline.isLongPast).toBe(false)
  clock.stall(60_000)
  expect(deadline.isLongPast).toBe(true)
  expect(ends).toEqual([])
  await turn()
  expect(ends).toEqual(['stalled'])
})

test('a process that stalls again and again ends by the extension at the latest', async () => {
  const { clock, ends } = deadlineOf(15_000)
  for (let n = 0; n < 9; n++) clock.stall(2000)
  expect(ends).toEqual([])
  clock.stall(2000)
  await turn()
  expect(ends).toEqual(['stalled'])
})

test('an event loop that is late by less counts as running', async () => {
  const { clock, ends } = deadlineOf(3000)
  for (let n = 0; n < 3; n++) clock.stall(1000)
  await turn()
  expect(ends).toEqual(['passed'])
})

test('whatever the stalls, a deadline passes only when its span was run, and waits no longer than the extension', () => {
  const lateness = fc.array(fc.integer({ min: 0, max: 20_000 }))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60_000 }), lateness, (spanMs, lateMs) => {
      const { end, ranMs, latestPlannedMs } = run(spanMs, lateMs)
      expect(latestPlannedMs).toBeLessThanOrEqual(spanMs + MAX_EXTENSION_MS)
      expect(end).toBe(ranMs >= spanMs ? 'passed' : 'stalled')
    }),
  )
})

/** Runs a deadline whose first slices are late by so much. */
function run(spanMs: number, lateMs: readonly number[]) {
  let elapsedMs = 0
  let ranMs = 0
  let latestPlannedMs = 0
  for (let n = 0; n < 1000; n++) {
    const next = nextSlice(spanMs, { elapsedMs, ranMs })
    if (typeof next === 'string') return { end: next, ranMs, latestPlannedMs }
    latestPlannedMs = elapsedMs + next
    const tookMs = next + (lateMs[n] ?? 0)
    elapsedMs += tookMs
    ranMs += countedMs(next, tookMs)
  }
  throw new Error('a deadline did not end')
}
