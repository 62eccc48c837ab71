import { describe, expect, test } from 'vitest'
import { MAX_QUESTIONS } from '../../src/store/reader.ts'
import { StoreError } from '../../src/store/store.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptance,
  claim,
  claimOne,
  countOutcomes,
  dead,
  pendingFor,
  settleAll,
  settleOne,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function describeReader(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: stats`, () => {
    test('has nothing to say where nothing was accepted or all is delivered', async () => {
      const store = await open()
      expect(await store.reader.stats()).toEqual([])
      await store.accept(acceptance({ hooks: ['a'] }))
      await settleAll(store, 'a', { state: 'delivered' })
      expect(await store.reader.stats()).toEqual([])
    })

    test('counts the undelivered and the dead of each hook, and says how old the oldest is', async () => {
      const store = await open()
      const before = Date.now()
      for (let n = 0; n < 3; n++) await store.accept(acceptance({ hooks: ['a', 'b', 'c'] }))
      await settleAll(store, 'c', { state: 'delivered' })
      const [first, second] = await claim(store, ['a'])
      if (first === undefined || second === undefined) throw new Error('nothing was due')
      await settleOne(store, first, dead(1))
      await settleOne(store, second, pendingFor(LONG_MS))
      await settleAll(store, 'b', dead(1))
      const age = expect.any(Number) as number
      expect(await store.reader.stats()).toEqual([
        { hook: 'a', pending: 2, dead: 1, oldestPendingAgeMs: age },
        { hook: 'b', pending: 0, dead: 3, oldestPendingAgeMs: null },
      ])
      const ageMs = (await store.reader.stats())[0]?.oldestPendingAgeMs
      expect(ageMs).toBeGreaterThanOrEqual(0)
      // Both are in whole milliseconds, cut at different moments.
      expect(ageMs).toBeLessThanOrEqual(Date.now() - before + 1)
    })
  })

  describe(`${name}: deliveriesOf`, () => {
    test('is empty for what is not known and for what no hook wants', async () => {
      const store = await open()
      const request = acceptance()
      await store.accept(request)
      expect(await store.reader.deliveriesOf(request.webhookId)).toEqual([])
      expect(await store.reader.deliveriesOf('unknown')).toEqual([])
    })

    test('tells the deliveries of one event, each with its attempts in their order', async () => {
      const store = await open()
      const before = Date.now()
      const request = acceptance({ hooks: ['b', 'a'] })
      await store.accept(request)
      await store.accept(acceptance({ hooks: ['a'] }))
      const [first] = (await claim(store, ['a'])).filter(({ webhookId }) => webhookId === request.webhookId)
      if (first === undefined) throw new Error('it was not due')
      const { eventSeq } = first
      const failed = { durationMs: 7, status: 500, errorCode: 'http_status', answer: Buffer.from('why') }
      const next = { state: 'pending', delayMs: 0, failures: 1 } as const
      await store.settle([{ ...first, record: failed, next }])
      const again = await claimOne(store, 'a')
      const cut = { durationMs: 3, status: null, errorCode: 'timeout', answer: null }
      await store.settle([{ ...again, record: cut, next: dead(2) }])
      const history = await store.reader.deliveriesOf(request.webhookId)
      expect(history).toEqual([
        {
          eventSeq,
          hook: 'a',
          state: 'dead',
          attempts: 2,
          failures: 2,
          failingSince: expect.any(Number),
          replays: 0,
          endedCode: null,
          records: [
            {
              attempt: 1,
              startedAt: expect.any(Number),
              ...failed,
              answer: new Uint8Array(Buffer.from('why')),
            },
            { attempt: 2, startedAt: expect.any(Number), ...cut },
          ],
        },
        {
          eventSeq,
          hook: 'b',
          state: 'pending',
          attempts: 0,
          failures: 0,
          failingSince: null,
          replays: 0,
          endedCode: null,
          records: [],
        },
      ])
      for (const { startedAt } of history[0]?.records ?? []) {
        expect(startedAt).toBeGreaterThanOrEqual(before - 7)
        expect(startedAt).toBeLessThanOrEqual(Date.now())
      }
    })

    test('says which are leased and which are delivered', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      await store.accept(request)
      await claimOne(store, 'a')
      await settleAll(store, 'b', { state: 'delivered' })
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { hook: 'a', state: 'leased', attempts: 0, records: [] },
        { hook: 'b', state: 'delivered', attempts: 1, records: [{ attempt: 1, status: 200 }] },
      ])
    })
  })

  describe(`${name}: quarantineStats`, () => {
    test('counts the bodies, however often each came, and says how old the oldest is', async () => {
      const store = await open()
      expect(await store.reader.quarantineStats()).toEqual({ open: 0, oldestAgeMs: null })
      const first = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [] }
      await store.quarantine(first)
      const since = await aLaterTime()
      await store.quarantine({ ...first, messageId: 'msg_2' })
      await store.quarantine(first)
      const { open: count, oldestAgeMs } = await store.reader.quarantineStats()
      expect(count).toBe(2)
      // The first one's first time counts.
      expect(oldestAgeMs).toBeGreaterThanOrEqual(Date.now() - since - 1)
      expect(oldestAgeMs).toBeLessThan(60_000)
    })
  })

  describe(`${name}: questions`, () => {
    test('see all that the store had answered for before they were asked', async () => {
      const store = await open()
      for (let n = 1; n <= 50; n++) {
        const request = acceptance({ hooks: ['a'] })
        await store.accept(request)
        const [stats, histories] = await Promise.all([
          store.reader.stats(),
          store.reader.deliveriesOf(request.webhookId),
        ])
        expect([stats[0]?.pending, histories.length]).toEqual([n, 1])
      }
    })

    test('are answered while acceptances come without a pause, and keep none of them from being stored', async () => {
      const store = await open()
      const results: { outcome: string }[] = []
      let answered = 0
      const asking = (async () => {
        for (; answered < 20; answered++) await store.reader.stats()
      })()
      while (answered < 20) {
        results.push(...(await Promise.all(Array.from({ length: 50 }, () => store.accept(acceptance())))))
      }
      await asking
      expect(countOutcomes(results)).toEqual({ accepted: results.length })
    })

    test('beyond the number that may wait are refused at once, the others answered, and later ones again', async () => {
      const store = await open()
      const asked = await Promise.allSettled(
        Array.from({ length: MAX_QUESTIONS + 50 }, () => store.reader.stats()),
      )
      const refusals = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
      expect(refusals).toHaveLength(50)
      for (const refusal of refusals) {
        expect(refusal).toBeInstanceOf(StoreError)
        expect(refusal).toMatchObject({ code: 'store_overloaded' })
      }
      expect(await store.reader.stats()).toEqual([])
    })

    test('are refused while the reader closes and after, and the store works on', async () => {
      const store = await open()
      await store.reader.stats()
      const closing = store.reader.close()
      await expect(store.reader.stats()).rejects.toMatchObject({ code: 'store_closed' })
      await Promise.all([closing, store.reader.close()])
      for (const ask of [
        () => store.reader.stats(),
        () => store.reader.quarantineStats(),
        () => store.reader.deliveriesOf('msg_1'),
        () => store.reader.countReplay({ scope: {}, limit: 1 }),
        () => store.reader.findReplay('nothing'),
        () => store.reader.listReplays(1),
        () => store.reader.listEvents({ limit: 1 }),
        () => store.reader.findEvent('nothing'),
        () => store.reader.storyOf('nothing', 1),
        () => store.reader.search('nothing'),
        () => store.reader.listDeliveries({ limit: 1 }),
        () => store.reader.failures(),
        () => store.reader.undeliveredOf([], 0),
        () => store.reader.listQuarantine({ limit: 1 }),
        () => store.reader.findQuarantined('nothing'),
        () => store.reader.counts({ since: 0, until: 1, stepMs: 60_000 }),
        () => store.reader.activityAfter(0, 1),
        () => store.reader.listActions({ limit: 1 }),
        () => store.reader.pauses(),
      ]) {
        await expect(ask()).rejects.toMatchObject({ code: 'store_closed' })
      }
      expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
    })

    test('need not have been asked for a reader to be closed', async () => {
      const store = await open()
      await expect(store.reader.close()).resolves.toBeUndefined()
    })
  })
}
