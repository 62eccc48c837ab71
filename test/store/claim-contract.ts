import { describe, expect, test } from 'vitest'
import type { NextState, Store } from '../../src/store/store.ts'
import {
  LONG_MS,
  SHORT_LEASE_MS,
  acceptEach,
  acceptance,
  acceptanceOfSize,
  claim,
  claimAll,
  claimOne,
  claimable,
  countHooks,
  dead,
  keyOf,
  roundedUp,
  settleOne,
  settlement,
  wanting,
} from './asking.ts'

export function describeClaim(name: string, open: () => Promise<Store>): void {
  describe(`${name}: claim`, () => {
    test('gives nothing where nothing is wanted or nothing is there', async () => {
      const store = await open()
      const nothing = { deliveries: [], nextDueInMs: null }
      expect(await claimAll(store, ['a'])).toEqual(nothing)
      await store.accept(acceptance({ hooks: ['a'] }))
      expect(await store.claim([])).toEqual(nothing)
      expect(await claimAll(store, ['b'])).toEqual(nothing)
    })

    test('gives each hook no more than its limit, and the rest later', async () => {
      const store = await open()
      for (let n = 0; n < 5; n++) await store.accept(acceptance({ hooks: ['a', 'b'] }))
      const wants = [wanting('a', { limit: 2 }), wanting('b', { limit: 3 })]
      const first = (await store.claim(wants)).deliveries
      expect(countHooks(first)).toEqual({ a: 2, b: 3 })
      const rest = await claim(store, ['a', 'b'])
      expect(countHooks(rest)).toEqual({ a: 3, b: 2 })
      expect(new Set([...first, ...rest].map(keyOf)).size).toBe(10)
    })

    test('leaves the hooks alone that were not asked for', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      expect(countHooks(await claim(store, ['a']))).toEqual({ a: 1 })
      expect(await claim(store, ['b'])).toMatchObject([{ hook: 'b', attempt: 1 }])
    })

    test('gives what was accepted first before the rest', async () => {
      const store = await open()
      const requests = Array.from({ length: 6 }, () => acceptance({ hooks: ['a'] }))
      for (const request of requests) await store.accept(request)
      const claimed = []
      for (let n = 0; n < 3; n++) claimed.push(...(await claim(store, ['a'], { limit: 2 })))
      expect(claimed.map(({ webhookId }) => webhookId)).toEqual(requests.map(({ webhookId }) => webhookId))
    })

    test('gives what has been due for longer before what was accepted earlier', async () => {
      const store = await open()
      const early = acceptance({ hooks: ['a', 'gauge'] })
      await store.accept(early)
      const held = await claim(store, ['a', 'gauge'])
      const late = acceptance({ hooks: ['a'] })
      await store.accept(late)
      const soon: NextState = { state: 'pending', delayMs: 20, failures: 1 }
      await store.settle(held.map((delivery) => settlement(delivery, soon)))
      // Due at the same moment as the early event's other delivery, which is then due after the late event's.
      await claimable(store, 'gauge')
      const claimed = await claim(store, ['a'])
      expect(claimed.map(({ webhookId }) => webhookId)).toEqual([late.webhookId, early.webhookId])
    })

    test('gives a delivery to one of those who ask at once', async () => {
      const store = await open()
      for (let n = 0; n < 20; n++) await store.accept(acceptance({ hooks: ['a'] }))
      const answers = await Promise.all(Array.from({ length: 10 }, () => claim(store, ['a'], { limit: 4 })))
      const claimed = answers.flat()
      expect(claimed.every(({ leaseToken }) => leaseToken === 1)).toBe(true)
      expect(claimed).toHaveLength(20)
      expect(new Set(claimed.map(keyOf)).size).toBe(20)
    })

    test('gives nothing that is leased', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      await claimOne(store, 'a')
      expect(await claim(store, ['a'])).toEqual([])
    })

    test('gives a delivery again when its lease has run out, under a higher token and as no failure', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const first = await claimOne(store, 'a', SHORT_LEASE_MS)
      for (const leaseToken of [2, 3]) {
        const again = await claimable(store, 'a', SHORT_LEASE_MS)
        expect(again).toMatchObject({
          eventSeq: first.eventSeq,
          leaseToken,
          attempt: 1,
          failures: 0,
          body: first.body,
        })
        expect(again.ageMs).toBeGreaterThanOrEqual(SHORT_LEASE_MS)
      }
    })

    test.each([false, true])(
      'gives no further delivery once the bodies reach the bound, and says that more is due (in order: %s)',
      async (ordered) => {
        const store = await open()
        const requests = Array.from({ length: 10 }, () => acceptanceOfSize(10_000))
        await acceptEach(store, requests)
        const given: string[] = []
        for (const [maxBytes, count] of [
          [1, 1],
          [20_000, 2],
          [20_001, 3],
          [40_000, 4],
        ] as const) {
          const before = given.length
          const { deliveries, nextDueInMs } = await store.claim([wanting('a', { maxBytes, ordered })])
          given.push(...deliveries.map(({ webhookId }) => webhookId))
          expect(given.length - before).toBe(count)
          expect(nextDueInMs === 0).toBe(given.length < requests.length)
        }
        expect(given).toEqual(requests.map(({ webhookId }) => webhookId))
      },
    )

    test('counts the bound in bytes and not in characters, for each hook on its own', async () => {
      const store = await open()
      const events = Array.from({ length: 4 }, () => acceptanceOfSize(10_000, '鍵', ['a', 'b']))
      await acceptEach(store, events)
      const { deliveries } = await store.claim([
        wanting('a', { maxBytes: 15_000 }),
        wanting('b', { maxBytes: 35_000 }),
      ])
      expect(countHooks(deliveries)).toEqual({ a: 2, b: 4 })
    })

    test('gives bodies of hundreds of megabytes in portions', async () => {
      const store = await open()
      for (let n = 0; n < 22; n++) {
        await Promise.all(Array.from({ length: 50 }, () => store.accept(acceptanceOfSize(255_000))))
      }
      const want = wanting('a', { limit: 1024, maxBytes: 4_000_000 })
      const { deliveries, nextDueInMs } = await store.claim([want])
      expect(deliveries).toHaveLength(16)
      expect(nextDueInMs).toBe(0)
      expect((await store.claim([{ ...want, ordered: true }])).deliveries).toHaveLength(16)
    })

    test('does not give a delivery again before its lease has run out', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'gauge'] }))
      await store.claim([wanting('a', { limit: 1 }), wanting('gauge', { limit: 1, leaseMs: SHORT_LEASE_MS })])
      await claimable(store, 'gauge')
      expect(await claim(store, ['a'])).toEqual([])
    })
  })

  describe(`${name}: nextDueInMs`, () => {
    test('is null where nothing will be due', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      for (const delivery of await claim(store, ['a', 'b'])) {
        await settleOne(store, delivery, delivery.hook === 'a' ? { state: 'delivered' } : dead(1))
      }
      expect((await claimAll(store, ['a', 'b'])).nextDueInMs).toBeNull()
    })

    test('counts the leases that were just given', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      expect(roundedUp((await claimAll(store, ['a'])).nextDueInMs)).toBe(LONG_MS)
    })

    test('is the time until the first of what was put back', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      await store.accept(acceptance({ hooks: ['a'] }))
      const delays = [3 * LONG_MS, 2 * LONG_MS, 4 * LONG_MS]
      const claimed = await claim(store, ['a', 'b'])
      for (const [n, delivery] of claimed.entries()) {
        await settleOne(store, delivery, { state: 'pending', delayMs: delays[n] as number, failures: 1 })
      }
      expect(roundedUp((await claimAll(store, ['a', 'b'])).nextDueInMs)).toBe(2 * LONG_MS)
    })

    test('leaves out the hooks that were not asked for', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      await store.claim([wanting('b', { limit: 10 })])
      expect(roundedUp((await claimAll(store, ['a'], 2 * LONG_MS)).nextDueInMs)).toBe(2 * LONG_MS)
    })

    test('leaves out the hooks that were given all they had room for', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      const full = wanting('a', { limit: 1 })
      const roomy = wanting('b', { limit: 10, leaseMs: 2 * LONG_MS })
      const claimed = await store.claim([full, roomy])
      expect(countHooks(claimed.deliveries)).toEqual({ a: 1, b: 1 })
      expect(roundedUp(claimed.nextDueInMs)).toBe(2 * LONG_MS)
      expect((await store.claim([full])).nextDueInMs).toBeNull()
    })
  })
}
