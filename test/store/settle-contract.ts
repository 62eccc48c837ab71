import { describe, expect, test } from 'vitest'
import type { AttemptRecord, ClaimedDelivery, NextState } from '../../src/store/store.ts'
import {
  LONG_MS,
  SHORT_LEASE_MS,
  acceptance,
  claim,
  claimAll,
  claimOne,
  claimable,
  dead,
  keyOf,
  pendingFor,
  replay,
  roundedUp,
  settleOne,
  settlement,
  unsent,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function describeSettle(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: settle`, () => {
    test.each<NextState>([{ state: 'delivered' }, { state: 'dead', failures: 1 }])(
      'as $state ends a delivery',
      async (next) => {
        const store = await open()
        await store.accept(acceptance({ hooks: ['a', 'b'] }))
        expect(await settleOne(store, await claimOne(store, 'a'), next)).toBe('settled')
        expect(await claimAll(store, ['a'])).toEqual({ deliveries: [], nextDueInMs: null })
        expect(await claim(store, ['b'])).toHaveLength(1)
      },
    )

    test('as pending makes a delivery due after the delay, as the next attempt', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const first = await claimOne(store, 'a')
      expect(await settleOne(store, first, { state: 'pending', delayMs: 20, failures: 7 })).toBe('settled')
      const again = await claimable(store, 'a')
      expect(again).toMatchObject({ eventSeq: first.eventSeq, attempt: 2, failures: 7 })
      expect(again.ageMs).toBeGreaterThanOrEqual(first.ageMs + 20)
    })

    test('tells since when attempts have failed: from the beginning of the first that did', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const since = async () => (await store.reader.deliveriesOf(request.webhookId))[0]?.failingSince
      const settleNext = async (durationMs: number | null, failures: number) => {
        const delivery = await claimOne(store, 'a')
        const record =
          durationMs === null ? null : { durationMs, status: 503, errorCode: 'http_status', answer: null }
        const { eventSeq, hook, leaseToken } = delivery
        await store.settle([
          { eventSeq, hook, leaseToken, record, next: { state: 'pending', delayMs: 0, failures } },
        ])
        return delivery.failingForMs
      }
      // Put back unsent, and interrupted: neither is a failure.
      expect(await settleNext(null, 0)).toBeNull()
      expect(await settleNext(70, 0)).toBeNull()
      expect(await since()).toBeNull()
      const before = Date.now()
      expect(await settleNext(60_000, 1)).toBeNull()
      const first = await since()
      expect(Math.abs((first as number) - (before - 60_000))).toBeLessThan(10_000)
      expect(await settleNext(5, 2)).toBeGreaterThanOrEqual(60_000)
      expect(await settleNext(5, 2)).toBeGreaterThanOrEqual(60_000)
      expect(await since()).toBe(first)
      await settleOne(store, await claimOne(store, 'a'), { state: 'delivered' })
      expect(await since()).toBe(first)
      await replay(store, { webhookIds: [request.webhookId] })
      expect(await since()).toBeNull()
      expect(await claimOne(store, 'a')).toMatchObject({ failures: 0, failingForMs: null })
    })

    test('as pending makes a delivery due at once where there is no delay', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      await settleOne(store, await claimOne(store, 'a'), { state: 'pending', delayMs: 0, failures: 0 })
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 2, failures: 0 })
    })

    test('as pending makes a delivery not due before the delay is over', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      await settleOne(store, await claimOne(store, 'a'), pendingFor(LONG_MS))
      const { deliveries, nextDueInMs } = await claimAll(store, ['a'])
      expect(deliveries).toEqual([])
      expect(roundedUp(nextDueInMs)).toBe(LONG_MS)
    })

    test('changes nothing when the delivery has been leased again since', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const lost = await claimOne(store, 'a', SHORT_LEASE_MS)
      const taken = await claimable(store, 'a')
      for (const next of [{ state: 'delivered' }, dead(9), pendingFor(0)] as const) {
        expect(await settleOne(store, lost, next)).toBe('lease_lost')
        expect(await claim(store, ['a'])).toEqual([])
      }
      expect(await settleOne(store, taken, { state: 'pending', delayMs: 0, failures: 1 })).toBe('settled')
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 3, failures: 1 })
    })

    test('records the attempt of a lost lease once, however often it is asked', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const lost = await claimOne(store, 'a', SHORT_LEASE_MS)
      const taken = await claimable(store, 'a')
      const late = settlement(lost, { state: 'delivered' })
      expect(await store.settle([late, late])).toEqual(['lease_lost', 'lease_lost'])
      expect(await Promise.all([store.settle([late]), store.settle([late])])).toEqual([
        ['lease_lost'],
        ['lease_lost'],
      ])
      await settleOne(store, taken, dead(1))
      expect(await store.settle([late])).toEqual(['lease_lost'])
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { state: 'dead', attempts: 2, records: [{ attempt: 1 }, { attempt: 2 }] },
      ])
    })

    test('records the attempts of several lost leases of one delivery, all asked at once', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const lost = [await claimOne(store, 'a', SHORT_LEASE_MS)]
      lost.push(await claimable(store, 'a', SHORT_LEASE_MS))
      const taken = await claimable(store, 'a')
      const all = [...lost, taken].map((delivery) => settlement(delivery, { state: 'delivered' }))
      expect(await store.settle(all)).toEqual(['lease_lost', 'lease_lost', 'settled'])
      const [history] = await store.reader.deliveriesOf(request.webhookId)
      expect(history).toMatchObject({ state: 'delivered', attempts: 3 })
      expect(history?.records.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    })

    test.each<NextState>([{ state: 'delivered' }, dead(1), pendingFor(LONG_MS)])(
      'as $state, asked again because the answer was lost, says that it is so and writes nothing',
      async (next) => {
        const store = await open()
        const request = acceptance({ hooks: ['a'] })
        await store.accept(request)
        const delivery = await claimOne(store, 'a')
        expect(await settleOne(store, delivery, next)).toBe('settled')
        const after = await store.reader.deliveriesOf(request.webhookId)
        expect(after).toMatchObject([{ attempts: 1, records: [{ attempt: 1 }] }])
        for (const other of [next, { state: 'delivered' }, dead(9), pendingFor(0)] as const) {
          expect(await settleOne(store, delivery, other)).toBe('already_settled')
        }
        expect(await store.reader.deliveriesOf(request.webhookId)).toEqual(after)
        expect(await claim(store, ['a'])).toEqual([])
      },
    )

    test('says that a lease is lost, and not that it was settled, once the delivery is leased again', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const first = await claimOne(store, 'a')
      await settleOne(store, first, pendingFor(0))
      await claimOne(store, 'a')
      expect(await settleOne(store, first, { state: 'delivered' })).toBe('lease_lost')
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { state: 'leased', attempts: 1, records: [{ attempt: 1 }] },
      ])
    })

    test('of a delivery that was put back unsent leaves no attempt and keeps the number of the next', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const tokens: number[] = []
      for (let n = 0; n < 3; n++) {
        const delivery = await claimOne(store, 'a')
        expect(delivery).toMatchObject({ attempt: 1, failures: 0 })
        tokens.push(delivery.leaseToken)
        expect(await store.settle([unsent(delivery)])).toEqual(['settled'])
        expect(await store.settle([unsent(delivery)])).toEqual(['already_settled'])
      }
      expect(tokens).toEqual([1, 2, 3])
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { state: 'pending', attempts: 0, records: [] },
      ])
    })

    test('of a lost lease whose delivery was never sent writes nothing', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const lost = await claimOne(store, 'a', SHORT_LEASE_MS)
      await claimable(store, 'a')
      expect(await store.settle([unsent(lost)])).toEqual(['lease_lost'])
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { state: 'leased', attempts: 0, records: [] },
      ])
    })

    test('of an event that is not there is a lost lease', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const delivery = await claimOne(store, 'a')
      const gone = { ...delivery, eventSeq: delivery.eventSeq + 1000 }
      expect(await settleOne(store, gone, { state: 'delivered' })).toBe('lease_lost')
    })

    test('still counts when the lease has run out and nobody has claimed the delivery since', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'gauge'] }))
      const claimed = await claim(store, ['a', 'gauge'], { leaseMs: SHORT_LEASE_MS })
      const delivery = claimed.find(({ hook }) => hook === 'a') as ClaimedDelivery
      await claimable(store, 'gauge')
      expect(await settleOne(store, delivery, { state: 'delivered' })).toBe('settled')
      expect(await claim(store, ['a'])).toEqual([])
    })

    test('touches no other delivery of the event or of the hook', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      await store.accept(acceptance({ hooks: ['a'] }))
      const claimed = await claim(store, ['a', 'b'])
      expect(claimed).toHaveLength(3)
      const [first, ...others] = claimed as [ClaimedDelivery, ...ClaimedDelivery[]]
      await settleOne(store, first, { state: 'delivered' })
      expect(await store.settle(others.map((delivery) => settlement(delivery, pendingFor(0))))).toEqual([
        'settled',
        'settled',
      ])
      expect(new Set((await claim(store, ['a', 'b'])).map(keyOf))).toEqual(new Set(others.map(keyOf)))
    })

    test('answers in the order of the request', async () => {
      const store = await open()
      for (let n = 0; n < 6; n++) await store.accept(acceptance({ hooks: ['a'] }))
      const claimed = await claim(store, ['a'])
      const gone = claimed.filter((_, n) => n % 3 === 0)
      await store.settle(gone.map((delivery) => settlement(delivery, { state: 'delivered' })))
      const mixed = [4, 0, 5, 3, 1, 2].map((n) => claimed[n] as ClaimedDelivery)
      const answers = await store.settle(mixed.map((delivery) => settlement(delivery, dead(1))))
      const [done, before] = ['settled', 'already_settled']
      expect(answers).toEqual([done, before, done, before, done, done])
      expect(await store.settle([])).toEqual([])
    })

    test('lets one of those settle who come at once with one lease', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const delivery = await claimOne(store, 'a')
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => settleOne(store, delivery, { state: 'delivered' })),
      )
      expect(answers.toSorted()).toEqual([...Array.from({ length: 9 }, () => 'already_settled'), 'settled'])
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { attempts: 1, records: [{}] },
      ])
    })

    test.each<[string, Partial<AttemptRecord>]>([
      ['without an answer', { status: null, errorCode: 'timeout', answer: null }],
      ['with an answer', { status: 500, errorCode: 'http_status', answer: Buffer.alloc(1024, 0xff) }],
      ['with an empty answer', { status: 204, answer: new Uint8Array() }],
      ['that took no time', { durationMs: 0 }],
    ])('records an attempt %s', async (_what, attemptRecord) => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const settled = settlement(await claimOne(store, 'a'), pendingFor(0))
      const answers = await store.settle([
        { ...settled, record: { ...(settled.record as AttemptRecord), ...attemptRecord } },
      ])
      expect(answers).toEqual(['settled'])
    })
  })
}
