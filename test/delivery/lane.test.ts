import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { Lane } from '../../src/delivery/lane.ts'
import { newSecret } from '../support/signed-webhook.ts'

const NOW = 1000

describe('a place for what is just being accepted', () => {
  test('is there once a claim has found nothing waiting', () => {
    const lane = laneOf({ concurrency: 4 })
    expect(lane.takePlace(NOW)).toBe(false)
    lane.endClaim(lane.beginClaim(NOW), 3)
    expect(lane.takePlace(NOW)).toBe(true)
    expect(lane.room(NOW)).toBe(3)
    lane.givePlaceBack()
    expect(lane.room(NOW)).toBe(4)
  })

  test('is not there when a claim was given all that it asked for: more may wait', () => {
    const lane = laneOf({ concurrency: 4 })
    const limit = lane.beginClaim(NOW)
    lane.endClaim(limit, limit)
    expect(lane.takePlace(NOW)).toBe(false)
  })

  test('is not there from the moment that one had to wait, until a claim has caught up', () => {
    const lane = caughtUp({ concurrency: 2 })
    expect([lane.takePlace(NOW), lane.takePlace(NOW), lane.takePlace(NOW)]).toEqual([true, true, false])
    lane.givePlaceBack()
    expect(lane.takePlace(NOW)).toBe(false)
    lane.endClaim(lane.beginClaim(NOW), 0)
    expect(lane.takePlace(NOW)).toBe(true)
  })

  test('is there while a claim is under way: that asks for half of the room only', () => {
    const lane = caughtUp({ concurrency: 8 })
    const limit = lane.beginClaim(NOW)
    expect(limit).toBe(4)
    expect(lane.takePlace(NOW)).toBe(true)
    lane.endClaim(limit, 0)
    expect(lane.room(NOW)).toBe(7)
  })

  test('is not there after a claim that had no room to look', () => {
    const lane = caughtUp({ concurrency: 1 })
    expect(lane.takePlace(NOW)).toBe(true)
    expect(lane.beginClaim(NOW)).toBe(0)
    lane.givePlaceBack()
    expect(lane.isCaughtUp).toBe(false)
    expect(lane.takePlace(NOW)).toBe(false)
  })

  test.each<[string, Partial<Hook>]>([
    ['an order', { ordering: 'credential' }],
    ['a rate', { maxPerSecond: 1000 }],
  ])('is never there where there is %s to keep', (_what, settings) => {
    expect(caughtUp(settings).takePlace(NOW)).toBe(false)
  })

  test('is not there behind a breaker that is not closed', () => {
    const lane = caughtUp({ breaker: { failures: 1, cooldownMs: 1000 } })
    const record = { durationMs: 1, status: 500, errorCode: 'http_status', answer: null }
    lane.end({ kind: 'failed', retryAfterMs: null, record }, NOW)
    expect(lane.takePlace(NOW)).toBe(false)
  })

  test('is not there for a hook whose settings have just changed', () => {
    const lane = caughtUp({})
    lane.change(hookWith({ timeoutMs: 100 }))
    expect(lane.takePlace(NOW)).toBe(false)
  })
})

test('places and claims together never promise more than the hook takes at one time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.tuple(fc.constantFrom('take', 'give', 'claim', 'answer'), fc.nat(20)), { maxLength: 200 }),
      (concurrency, steps) => {
        const lane = laneOf({ concurrency })
        let places = 0
        let claiming: number | null = null
        for (const [step, given] of steps) {
          if (step === 'take' && lane.takePlace(NOW)) places++
          if (step === 'give' && places > 0) {
            lane.givePlaceBack()
            places--
          }
          if (step === 'claim' && claiming === null) claiming = lane.beginClaim(NOW)
          if (step === 'answer' && claiming !== null) {
            lane.endClaim(claiming, Math.min(given, claiming))
            claiming = null
          }
          expect(places + (claiming ?? 0)).toBeLessThanOrEqual(concurrency)
          expect(lane.room(NOW)).toBe(concurrency - places - (claiming ?? 0))
        }
      },
    ),
  )
})

function caughtUp(settings: Partial<Hook>): Lane {
  const lane = laneOf(settings)
  lane.endClaim(lane.beginClaim(NOW), 0)
  return lane
}

function laneOf(settings: Partial<Hook>): Lane {
  const lane = new Lane(hookWith(settings))
  onTestFinished(() => lane.close())
  return lane
}

function hookWith(settings: Partial<Hook>): Hook {
  const hooks = [{ name: 'one', url: 'http://127.0.0.1:1/', ...settings }]
  const config = readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS: JSON.stringify(hooks) })
  return config.hooks[0] as Hook
}
