import { describe, expect, test } from 'vitest'
import type { PruneCursor } from '../../src/store/store.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptEach,
  acceptance,
  claimOne,
  countOutcomes,
  dead,
  pendingFor,
  settleAll,
  settleOne,
  replay,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function describePrune(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: prune`, () => {
    test('leaves events that are not old enough', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      await settleAll(store, 'a', { state: 'delivered' })
      expect(await pass(store, LONG_MS, LONG_MS)).toMatchObject({ pruned: 0, forgotten: 0 })
      expect(await store.reader.deliveriesOf(request.webhookId)).toHaveLength(1)
    })

    test('deletes events delivered everywhere or wanted by no hook, and still knows their ids', async () => {
      const store = await open()
      const requests = await acceptEach(store, [acceptance({ hooks: ['a', 'b'] }), acceptance()])
      await settleAll(store, 'a', { state: 'delivered' })
      await settleAll(store, 'b', { state: 'delivered' })
      await aLaterTime()
      expect(await pass(store, 0, LONG_MS)).toMatchObject({ pruned: 2, forgotten: 0 })
      expect(await store.reader.deliveriesOf(requests[0]?.webhookId as string)).toEqual([])
      for (const request of requests) expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      expect(await pass(store, 0, LONG_MS)).toMatchObject({ pruned: 0, forgotten: 0 })
    })

    test('deletes an id that is old too once its event is gone, and takes the event in as new', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const first = await claimOne(store, 'a')
      await settleOne(store, first, { state: 'delivered' })
      await aLaterTime()
      expect(await pass(store, LONG_MS, 0)).toMatchObject({ pruned: 0, forgotten: 0 })
      expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      expect(await pass(store, 0, 0)).toMatchObject({ pruned: 1, forgotten: 1 })
      expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
      const again = await claimOne(store, 'a')
      expect(again.eventSeq).toBeGreaterThan(first.eventSeq)
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([{ attempts: 0, records: [] }])
    })

    test.each(['pending', 'leased', 'dead'])('never forgets an event that is %s somewhere', async (state) => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      await store.accept(request)
      await settleAll(store, 'a', { state: 'delivered' })
      const delivery = await claimOne(store, 'b')
      if (state === 'pending') await settleOne(store, delivery, pendingFor(LONG_MS))
      if (state === 'dead') await settleOne(store, delivery, dead(1))
      await aLaterTime()
      expect(await pass(store, 0, 0)).toMatchObject({ pruned: 0, forgotten: 0 })
      expect(await store.reader.deliveriesOf(request.webhookId)).toMatchObject([
        { hook: 'a', state: 'delivered' },
        { hook: 'b', state },
      ])
      expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
    })

    test('goes in steps of the limit and comes past what must be kept', async () => {
      const store = await open()
      const kept = Array.from({ length: 12 }, () => acceptance({ hooks: ['kept'] }))
      const doomed = Array.from({ length: 13 }, () => acceptance({ hooks: ['a'] }))
      await acceptEach(store, [...kept, ...doomed])
      await settleAll(store, 'kept', dead(1))
      await settleAll(store, 'a', { state: 'delivered' })
      await aLaterTime()
      const { steps, ...sum } = await pass(store, 0, 0, 5)
      expect(sum).toEqual({ pruned: 13, forgotten: 13 })
      expect(Math.max(...steps)).toBeLessThanOrEqual(5)
      // The first steps meet what is kept alone, and are no end.
      expect(steps.slice(0, 2)).toEqual([0, 0])
      expect(await replay(store, { hook: 'kept' })).toEqual({ replayed: 12 })
    })

    test('deletes the oldest first', async () => {
      const store = await open()
      const requests = await acceptEach(
        store,
        Array.from({ length: 4 }, () => acceptance()),
      )
      await aLaterTime()
      await store.prune({ payloadAgeMs: 0, dedupAgeMs: 0, limit: 2 })
      const results = []
      for (const request of requests) results.push((await store.accept(request)).outcome)
      expect(results).toEqual(['accepted', 'accepted', 'duplicate', 'duplicate'])
    })

    test('leaves what was quarantined, and may go on while events come in', async () => {
      const store = await open()
      const aside = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [] }
      const { quarantineId } = await store.quarantine(aside)
      await Promise.all(Array.from({ length: 50 }, () => store.accept(acceptance())))
      await aLaterTime()
      const accepting = Array.from({ length: 50 }, () => store.accept(acceptance()))
      const { pruned } = await pass(store, 0, LONG_MS, 10)
      expect(pruned).toBeGreaterThanOrEqual(50)
      expect(countOutcomes(await Promise.all(accepting))).toEqual({ accepted: 50 })
      expect(await store.quarantine(aside)).toEqual({ quarantineId })
    })
  })
}

/** Steps until the pass is through, and what all of them did. */
async function pass(
  store: ReadableStore,
  payloadAgeMs: number,
  dedupAgeMs: number,
  limit = 100,
): Promise<{ pruned: number; forgotten: number; steps: number[] }> {
  const sum = { pruned: 0, forgotten: 0, steps: [] as number[] }
  let after: PruneCursor | null = null
  do {
    const request = { payloadAgeMs, dedupAgeMs, limit }
    const step = await store.prune(after === null ? request : { ...request, after })
    sum.pruned += step.pruned
    sum.forgotten += step.forgotten
    sum.steps.push(step.pruned)
    after = step.next
  } while (after !== null)
  return sum
}
