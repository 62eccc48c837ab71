import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DueFloor } from '../../src/store/postgres/due-floor.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the first claim of a hook looks from the beginning, and the next from a little before where it came to', () => {
  const floor = new DueFloor()
  expect(floor.of('a')).toBeNull()
  floor.looked('a', null, 1_000_000)
  expect(floor.of('a')).toBe(990_000)
  expect(floor.of('b')).toBeNull()
  floor.looked('a', 990_000, 1_002_000)
  expect(floor.of('a')).toBe(992_000)
})

test('now and then it is looked from the beginning, however often it is claimed', () => {
  const floor = new DueFloor()
  const looks: (number | null)[] = []
  for (let second = 0; second < 40; second++) {
    const from = floor.of('a')
    looks.push(from)
    floor.looked('a', from, 1_000_000 + second * 1000)
    vi.advanceTimersByTime(1000)
  }
  const full = looks.flatMap((from, second) => (from === null ? [second] : []))
  expect(full).toEqual([0, 15, 30])
})

test('a claim of which it cannot be told how far it came changes nothing', () => {
  const floor = new DueFloor()
  floor.looked('a', null, null)
  expect(floor.of('a')).toBeNull()
  floor.looked('a', null, 1_000_000)
  floor.looked('a', 990_000, null)
  expect(floor.of('a')).toBe(990_000)
})

test('a clock that was put back takes the floor with it', () => {
  const floor = new DueFloor()
  floor.looked('a', null, 1_000_000)
  floor.looked('a', 990_000, 500_000)
  expect(floor.of('a')).toBe(490_000)
})
