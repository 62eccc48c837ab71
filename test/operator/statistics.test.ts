import { expect, test } from 'vitest'
import { createStatistics } from '../../src/operator/statistics.ts'
import type { HookStats } from '../../src/store/reader.ts'
import { ManualClock } from '../support/manual-clock.ts'

const REUSED_MS = 5000

test('one reading serves everybody who asks while it is made and for five seconds after its end', async () => {
  const { statistics, clock, readings } = begin()
  const early = [statistics(), statistics()]
  clock.advance(60_000)
  early.push(statistics())
  expect(readings).toHaveLength(1)
  readings[0]?.resolve(pending(1))
  for (const one of early) expect((await one).hooks).toEqual(pending(1))
  clock.advance(REUSED_MS - 1)
  expect((await statistics()).hooks).toEqual(pending(1))
  expect(readings).toHaveLength(1)
  clock.advance(1)
  const later = statistics()
  readings[1]?.resolve(pending(2))
  expect((await later).hooks).toEqual(pending(2))
})

test('its age goes by the steady clock', async () => {
  const { statistics, clock, readings } = begin()
  const first = statistics()
  readings[0]?.resolve([])
  await first
  clock.setWall(clock.wallMs() + 86_400_000)
  await statistics()
  clock.setWall(0)
  await statistics()
  expect(readings).toHaveLength(1)
})

test('nothing is read while nobody asks', () => {
  const { clock, readings } = begin()
  clock.advance(60_000)
  expect(readings).toHaveLength(0)
  expect(clock.timers).toBe(0)
})

test('a reading that fails serves those who were waiting, and the next who asks begins another', async () => {
  const { statistics, readings } = begin()
  const waiting = [statistics(), statistics()]
  readings[0]?.reject(new Error('disk failed'))
  for (const one of waiting) await expect(one).rejects.toThrow('disk failed')
  const next = statistics()
  readings[1]?.resolve(pending(3))
  expect((await next).hooks).toEqual(pending(3))
})

test('after a reading that fails no older one is given', async () => {
  const { statistics, clock, readings } = begin()
  const first = statistics()
  readings[0]?.resolve(pending(1))
  await first
  clock.advance(REUSED_MS)
  const failing = statistics()
  readings[1]?.reject(new Error('disk failed'))
  await expect(failing).rejects.toThrow('disk failed')
})

/** The readings that were begun, to be ended by the test. */
function begin() {
  const clock = new ManualClock()
  const readings: PromiseWithResolvers<HookStats[]>[] = []
  const reader = {
    stats() {
      const reading = Promise.withResolvers<HookStats[]>()
      readings.push(reading)
      return reading.promise
    },
    quarantineStats: async () => ({ open: 0, oldestAgeMs: null }),
  }
  return { clock, readings, statistics: createStatistics({ reader, clock }) }
}

function pending(count: number): HookStats[] {
  return [{ hook: 'one', pending: count, dead: 0, oldestPendingAgeMs: 0 }]
}
