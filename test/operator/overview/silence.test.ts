import { expect, test } from 'vitest'
import { expectedBetween } from '../../../src/operator/overview/silence.ts'
import { HOUR_MS, NOW } from './facts.ts'

const DAY_MS = 24 * HOUR_MS

/** So many webhooks at 08:00 and at 09:00 on each of so many days before today. */
function mornings(days: number, count = 10) {
  return Array.from({ length: days }, (_, day) => NOW - (days - day) * DAY_MS)
    .flatMap((at) => [at - 2 * HOUR_MS, at - HOUR_MS])
    .map((at) => ({ at, count }))
}

test('before there is a day of history, nobody can say what is usual', () => {
  expect(expectedBetween([], NOW - HOUR_MS, NOW)).toBe(null)
  expect(expectedBetween([{ at: NOW - 5 * HOUR_MS, count: 100 }], NOW - HOUR_MS, NOW)).toBe(null)
})

test('each hour counts as the same hour of the day did on the days before', () => {
  const hours = mornings(5)
  expect(expectedBetween(hours, NOW - 2 * HOUR_MS, NOW)).toBe(20)
  expect(expectedBetween(hours, NOW, NOW + 5 * HOUR_MS)).toBe(0)
})

test('a part of an hour counts by its share', () => {
  expect(expectedBetween(mornings(3), NOW - HOUR_MS / 2, NOW)).toBeCloseTo(5)
})

test('a silence of days counts each of their hours', () => {
  const hours = mornings(7).map(({ at, count }) => ({ at: at + DAY_MS, count }))
  expect(expectedBetween(hours, NOW, NOW + 3 * DAY_MS)).toBeCloseTo(60)
})

test('a day without any webhook lowers what is usual', () => {
  const hours = mornings(4).filter(({ at }) => at < NOW - 3 * DAY_MS || at > NOW - 2 * DAY_MS)
  expect(expectedBetween(hours, NOW - 2 * HOUR_MS, NOW)).toBeLessThan(20)
})
