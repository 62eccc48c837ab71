import { expect, test } from 'vitest'
import { SenderTime } from '../../src/retention/sender-time.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DAY_MS = 86_400_000

test('the latest verified webhook tells how far the store is ahead; one that is behind is not ahead', () => {
  const clock = new ManualClock()
  const time = new SenderTime(clock, () => clock.wallMs() + 4 * DAY_MS)
  expect(time.aheadMs()).toBeNull()
  time.told(clock.wallMs())
  expect(time.aheadMs()).toBe(4 * DAY_MS)
  time.told(clock.wallMs() + 5 * DAY_MS)
  expect(time.aheadMs()).toBe(0)
})

test('a relay to which nobody sends anything goes by its own time after a week', () => {
  const clock = new ManualClock()
  const time = new SenderTime(clock, () => clock.wallMs())
  clock.advance(7 * DAY_MS)
  expect(time.aheadMs()).toBeNull()
  clock.advance(1)
  expect(time.aheadMs()).toBe(0)
})
