import { expect, test } from 'vitest'
import { MinuteCounts } from '../../src/ingest/minute-counts.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('each address is counted by itself', () => {
  const counts = new MinuteCounts(new ManualClock())
  expect([counts.add('a'), counts.add('a'), counts.add('b')]).toEqual([1, 2, 1])
  expect([counts.of('a'), counts.of('b'), counts.of('c')]).toEqual([2, 1, 0])
})

test('the count begins anew a minute after the first of it', () => {
  const clock = new ManualClock()
  const counts = new MinuteCounts(clock)
  counts.add('a')
  clock.advance(59_000)
  expect(counts.add('a')).toBe(2)
  expect(counts.secondsLeft('a')).toBe(1)
  clock.advance(1000)
  expect(counts.of('a')).toBe(0)
  expect(counts.add('a')).toBe(1)
})

test('a wall clock that is set back an hour holds nobody out for longer', () => {
  const clock = new ManualClock()
  const counts = new MinuteCounts(clock)
  counts.add('a')
  clock.setWall(clock.wallMs() - 3_600_000)
  expect(counts.secondsLeft('a')).toBe(60)
  clock.advance(60_000)
  expect(counts.of('a')).toBe(0)
})

test('of very many addresses the one whose minute began first is forgotten', () => {
  const counts = new MinuteCounts(new ManualClock())
  for (let address = 0; address <= 10_000; address++) counts.add(String(address))
  expect([counts.of('0'), counts.of('1'), counts.of('10000')]).toEqual([0, 1, 1])
})
