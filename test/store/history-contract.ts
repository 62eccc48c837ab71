import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { LONG_MS, acceptance, claim, claimOne, dead, pendingFor, settleAll, settleOne } from './asking.ts'

export function describeHistory(name: string, open: () => Promise<Store>): void {
  describe(`${name}: stats`, () => {
    test('has nothing to say where nothing was accepted or all is delivered', async () => {
      const store = await open()
      expect(await store.stats()).toEqual([])
      await store.accept(acceptance({ hooks: ['a'] }))
      await settleAll(store, 'a', { state: 'delivered' })
      expect(await store.stats()).toEqual([])
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
      expect(await store.stats()).toEqual([
        { hook: 'a', pending: 2, dead: 1, oldestPendingAgeMs: age },
        { hook: 'b', pending: 0, dead: 3, oldestPendingAgeMs: null },
      ])
      const ageMs = (await store.stats())[0]?.oldestPendingAgeMs
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
      expect(await store.deliveriesOf(request.webhookId)).toEqual([])
      expect(await store.deliveriesOf('unknown')).toEqual([])
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
      const history = await store.deliveriesOf(request.webhookId)
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
      expect(await store.deliveriesOf(request.webhookId)).toMatchObject([
        { hook: 'a', state: 'leased', attempts: 0, records: [] },
        { hook: 'b', state: 'delivered', attempts: 1, records: [{ attempt: 1, status: 200 }] },
      ])
    })
  })
}
