import { expect, test } from 'vitest'
import { DueFloor } from '../../src/store/postgres/due-floor.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('the first claim of a hook looks from the beginning, and the next from a little before where it came to', () => {
  const floor = new DueFloor(new ManualClock())
  expect(floor.of('a')).toBeNull()
  floor.looked('a', null, 1_000_000)
  expect(floor.of('a')).toBe(990_000)
  expect(floor.of('b')).toBeNull()
  floor.looked('a', 990_000, 1_002_000)
  expect(floor.of('a')).toBe(992_000)
})

test('every 15 seconds a claim looks from the beginning, however often the hook is claimed', () => {
  const clock = new ManualClock()
  const floor = new DueFloor(clock)
  const looks: (number | null)[] = []
  for (let second = 0; second < 40; second++) {
    const from = floor.of('a')
    looks.push(from)
    floor.looked('a', from, 1_000_000 + second * 1000)
    clock.advance(1000)
  }
  const full = looks.flatMap((from, second) => (from === null ? [second] : []))
  expect(full).toEqual([0, 15, 30])
})

test('a claim that cannot say how far it came changes nothing', () => {
  const floor = new DueFloor(new ManualClock())
  floor.looked('a', null, null)
  expect(floor.of('a')).toBeNull()
  floor.looked('a', null, 1_000_000)
  floor.looked('a', 990_000, null)
  expect(floor.of('a')).toBe(990_000)
})

test('a database clock that is set back takes the floor with it', () => {
  const floor = new DueFloor(new ManualClock())
  floor.looked('a', null, 1_000_000)
  floor.looked('a', 990_000, 500_000)
  expect(floor.of('a')).toBe(490_000)
})
