import { expect, test } from 'vitest'
import { Loop } from '../../src/time/loop.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** Lets everything run that waits for nothing but its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a step runs again after as long as it said', async () => {
  const clock = new ManualClock()
  let steps = 0
  const loop = new Loop(clock, async () => {
    steps++
    return 1000
  })
  loop.start()
  await turn()
  clock.advance(999)
  await turn()
  expect(steps).toBe(1)
  clock.advance(1)
  await turn()
  expect(steps).toBe(2)
  await loop.stop()
})

test('a wake ends the sleep, and one that comes while a step runs causes another step', async () => {
  const clock = new ManualClock()
  let steps = 0
  const loop = new Loop(clock, async () => {
    steps++
    if (steps === 2) loop.wake()
    return 1000
  })
  loop.start()
  await turn()
  loop.wake()
  await turn()
  expect(steps).toBe(3)
  await loop.stop()
})

test('after a stop no step begins, a sleep and a pause end, and the signal says so', async () => {
  const clock = new ManualClock()
  let steps = 0
  const loop = new Loop(clock, async () => {
    steps++
    await loop.pause(1_000_000)
    return 1_000_000
  })
  loop.start()
  await turn()
  await loop.stop()
  loop.wake()
  await turn()
  expect({ steps, aborted: loop.signal.aborted }).toEqual({ steps: 1, aborted: true })
})

test('a loop that is to begin later can be stopped before it has begun', async () => {
  const loop = new Loop(new ManualClock(), () => Promise.reject(new Error('it began')))
  loop.start(60_000)
  await loop.stop()
  expect(loop.signal.aborted).toBe(true)
})
