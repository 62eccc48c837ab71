import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { Lane } from '../../src/delivery/lane.ts'
import type { Held } from '../../src/delivery/lane.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import type { ClaimedDelivery } from '../../src/store/store.ts'
import { newSecret } from '../support/signed-webhook.ts'

const NOW = 1000
const record = { durationMs: 1, status: 500, errorCode: 'http_status', answer: null }
const failed: Outcome = { kind: 'failed', retryAfterMs: null, record }

describe('a place for what is just being accepted', () => {
  test('is there once a claim has found nothing waiting', () => {
    const lane = laneOf({ concurrency: 4 })
    expect(lane.takePlace()).toBe(false)
    lane.endClaim(lane.beginClaim(NOW), 3)
    expect(lane.takePlace()).toBe(true)
    expect(lane.room(NOW)).toBe(3)
    lane.givePlaceBack()
    expect(lane.room(NOW)).toBe(4)
  })

  test('is not there when a claim was given all that it asked for: more may wait', () => {
    const lane = laneOf({ concurrency: 4 })
    const limit = lane.beginClaim(NOW)
    lane.endClaim(limit, limit)
    expect(lane.takePlace()).toBe(false)
  })

  test('is there beyond what may be under way, so that it is held, up to three times that', () => {
    const lane = caughtUp({ concurrency: 2 })
    expect(Array.from({ length: 7 }, () => lane.takePlace())).toEqual([
      ...Array<boolean>(6).fill(true),
      false,
    ])
    expect(lane.room(NOW)).toBe(0)
  })

  test('is not there from the moment that one had to wait, until a claim has caught up', () => {
    const lane = caughtUp({ concurrency: 1 })
    for (let n = 0; n < 4; n++) lane.takePlace()
    for (let n = 0; n < 3; n++) lane.givePlaceBack()
    expect(lane.takePlace()).toBe(false)
    lane.givePlaceBack()
    lane.endClaim(lane.beginClaim(NOW), 0)
    expect(lane.takePlace()).toBe(true)
  })

  test('is not there while bodies of more than 4 Mi characters are held', () => {
    const lane = caughtUp({ concurrency: 8 })
    for (let n = 0; n < 4; n++) lane.hold(held(n, 'x'.repeat(1_048_576)))
    expect(lane.takePlace()).toBe(false)
    lane.takeAllHeld()
    lane.endClaim(lane.beginClaim(NOW), 0)
    expect(lane.takePlace()).toBe(true)
  })

  test('is not there after a claim that may not have seen what was accepted while it was under way', () => {
    const lane = laneOf({ concurrency: 4 })
    const limit = lane.beginClaim(NOW)
    lane.fallBehind()
    lane.endClaim(limit, 0)
    expect(lane.takePlace()).toBe(false)
    lane.endClaim(lane.beginClaim(NOW), 0)
    expect(lane.takePlace()).toBe(true)
  })

  test('is there while a claim is under way: that asks for half of the room only', () => {
    const lane = caughtUp({ concurrency: 8 })
    const limit = lane.beginClaim(NOW)
    expect(limit).toBe(4)
    expect(lane.takePlace()).toBe(true)
    lane.endClaim(limit, 0)
    expect(lane.room(NOW)).toBe(7)
  })

  test('goes on being there after a claim that had no place free and still found nothing', () => {
    const lane = caughtUp({ concurrency: 1 })
    lane.takePlace()
    expect(lane.beginClaim(NOW)).toBe(1)
    lane.endClaim(1, 0)
    expect(lane.takePlace()).toBe(true)
  })

  test('is not there after a claim that had no place free and found something', () => {
    const lane = caughtUp({ concurrency: 1 })
    lane.takePlace()
    lane.endClaim(lane.beginClaim(NOW), 1)
    expect(lane.takePlace()).toBe(false)
    // That one is waiting for the place, so the next claim asks for none.
    lane.hold(held(1))
    expect(lane.beginClaim(NOW)).toBe(0)
  })

  test.each<[string, Partial<Hook>]>([
    ['an order', { ordering: 'credential' }],
    ['a rate', { maxPerSecond: 1000 }],
  ])('is never there where there is %s to keep', (_what, settings) => {
    expect(caughtUp(settings).takePlace()).toBe(false)
  })

  test('is not there behind a breaker that is not closed', () => {
    const lane = caughtUp({ breaker: { failures: 1, cooldownMs: 1000 } })
    lane.end(failed, NOW)
    expect(lane.takePlace()).toBe(false)
  })

  test('is not there for a hook whose settings have just changed', () => {
    const lane = caughtUp({})
    lane.change(hookWith({ timeoutMs: 100 }))
    expect(lane.takePlace()).toBe(false)
  })
})

describe('it is worth looking what is due', () => {
  test('as long as fewer are under way than may be', () => {
    const lane = laneOf({ concurrency: 1 })
    expect(lane.mayClaim(NOW)).toBe(true)
    lane.begin(held(1).delivery, NOW)
    expect(lane.mayClaim(NOW)).toBe(false)
    lane.end({ kind: 'delivered', record }, NOW)
    expect(lane.mayClaim(NOW)).toBe(true)
  })

  test('behind a breaker only when its cool-down is over', () => {
    const lane = laneOf({ breaker: { failures: 1, cooldownMs: 1000 } })
    lane.begin(held(1).delivery, NOW)
    lane.end(failed, NOW)
    expect(lane.mayClaim(NOW + 999)).toBe(false)
    expect(lane.mayClaim(NOW + 1000)).toBe(true)
  })
})

test('what is held comes out in its order, as places are free', () => {
  const lane = caughtUp({ concurrency: 2 })
  for (const n of [1, 2, 3]) lane.hold(held(n))
  for (const n of [1, 2]) {
    const next = lane.takeHeld(NOW)
    expect(next?.eventSeq).toBe(n)
    lane.begin(next as ClaimedDelivery, NOW)
  }
  expect(lane.takeHeld(NOW)).toBeNull()
  lane.end({ kind: 'delivered', record }, NOW)
  expect(lane.takeHeld(NOW)?.eventSeq).toBe(3)
  expect(lane.takeHeld(NOW)).toBeNull()
})

test('what has been held for too long is given back, and nothing else', () => {
  const lane = caughtUp({ concurrency: 1 })
  for (const n of [1, 2, 3]) lane.hold({ ...held(n), startBy: NOW + n })
  expect(lane.takeLate(NOW + 1)).toEqual([])
  expect(lane.takeLate(NOW + 3).map(({ eventSeq }) => eventSeq)).toEqual([1, 2])
  expect(lane.takeHeld(NOW + 3)?.eventSeq).toBe(3)
  expect(lane.takeLate(NOW + 9)).toEqual([])
})

test('what is held does not come out behind a breaker that is not closed', () => {
  const lane = laneOf({ breaker: { failures: 1, cooldownMs: 1000 } })
  lane.begin(held(1).delivery, NOW)
  lane.hold(held(2))
  lane.end(failed, NOW)
  expect(lane.takeHeld(NOW)).toBeNull()
  expect(lane.takeAllHeld().map(({ eventSeq }) => eventSeq)).toEqual([2])
  expect(lane.takeAllHeld()).toEqual([])
})

test('places, claims and what is held are together never more than three times what the hook takes at one time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.tuple(fc.constantFrom('take', 'give', 'hold', 'claim', 'answer'), fc.nat(20)), {
        maxLength: 200,
      }),
      (concurrency, steps) => {
        const lane = laneOf({ concurrency })
        let places = 0
        let holding = 0
        let claiming: number | null = null
        for (const [step, given] of steps) {
          if (step === 'take' && lane.takePlace()) places++
          if ((step === 'give' || step === 'hold') && places > 0) {
            lane.givePlaceBack()
            places--
            if (step === 'hold') {
              lane.hold(held(holding))
              holding++
            }
          }
          if (step === 'claim' && claiming === null) claiming = lane.beginClaim(NOW)
          if (step === 'answer' && claiming !== null) {
            lane.endClaim(claiming, Math.min(given, claiming))
            claiming = null
          }
          const leased = places + holding + (claiming ?? 0)
          // A claim asks for one more where all are taken.
          expect(leased).toBeLessThanOrEqual(3 * concurrency + 1)
          expect(lane.room(NOW)).toBe(Math.max(0, concurrency - leased))
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

function held(eventSeq: number, body = '{}'): Held {
  const delivery: ClaimedDelivery = {
    eventSeq,
    hook: 'one',
    webhookId: `id-${eventSeq}`,
    eventType: 'acs_credential.issued',
    body,
    leaseToken: 1,
    attempt: 1,
    failures: 0,
    ageMs: 0,
  }
  return { delivery, startBy: NOW }
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
