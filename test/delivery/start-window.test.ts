import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StartWindow } from '../../src/delivery/start-window.ts'

test('so many may begin at once, and the next when the first is a second old', () => {
  const starts = new StartWindow(3)
  expect(starts.room(0)).toBe(3)
  for (const at of [0, 100, 200]) starts.take(at)
  expect(starts.room(999)).toBe(0)
  expect(starts.nextInMs(400)).toBe(600)
  expect(starts.room(1000)).toBe(1)
  expect(starts.room(1100)).toBe(2)
})

test('a half a second is one in two seconds', () => {
  const starts = new StartWindow(0.5)
  starts.take(0)
  expect(starts.room(1999)).toBe(0)
  expect(starts.room(2000)).toBe(1)
})

test('no second, however it is cut, sees more than allowed, and none that could begin is held back', () => {
  const steps = fc.array(fc.nat(700), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), steps, (max, pauses) => {
      const starts = new StartWindow(max)
      const taken: number[] = []
      let now = 0
      for (const pause of pauses) {
        now += pause
        const inLastSecond = taken.filter((at) => at > now - 1000).length
        expect(starts.room(now)).toBe(max - inLastSecond)
        if (starts.room(now) === 0) continue
        starts.take(now)
        taken.push(now)
      }
    }),
  )
})
