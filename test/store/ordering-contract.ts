import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ClaimedDelivery, NextState } from '../../src/store/store.ts'
import {
  LONG_MS,
  acceptEach,
  acceptanceAbout,
  claim,
  dead,
  pendingFor,
  settleAll,
  settleOne,
  settlement,
  wanting,
  replay,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function describeOrdering(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: claim in order`, () => {
    test('gives the deliveries of a credential one at a time, in the order of acceptance', async () => {
      const store = await open()
      const requests = await acceptEach(store, eventsAbout(randomUUID(), 4))
      const given: string[] = []
      for (let n = 0; n < 4; n++) {
        const [delivery, more] = await claimInOrder(store)
        expect(more).toBeUndefined()
        expect(await claimInOrder(store)).toEqual([])
        given.push(delivery?.webhookId as string)
        await settleOne(store, delivery as ClaimedDelivery, { state: 'delivered' })
      }
      expect(given).toEqual(requests.map(({ webhookId }) => webhookId))
      expect(await claimInOrder(store)).toEqual([])
    })

    test('blocks the later ones behind a failing one, and no other credential', async () => {
      const store = await open()
      const [one, other] = [randomUUID(), randomUUID()]
      const requests = [one, one, other, one, other].map((credential) => acceptanceAbout(credential))
      await acceptEach(store, requests)
      const first = await claimInOrder(store)
      expect(idsOf(first)).toEqual([requests[0]?.webhookId, requests[2]?.webhookId])
      await settleOne(store, first[0] as ClaimedDelivery, pendingFor(LONG_MS))
      expect(await claimInOrder(store)).toEqual([])
      await settleOne(store, first[1] as ClaimedDelivery, { state: 'delivered' })
      expect(idsOf(await claimInOrder(store))).toEqual([requests[4]?.webhookId])
    })

    test('blocks an event that is accepted behind one that is leased or waits for its retry', async () => {
      const store = await open()
      const credential = randomUUID()
      await acceptEach(store, eventsAbout(credential, 1))
      const [head] = await claimInOrder(store)
      await acceptEach(store, eventsAbout(credential, 1))
      expect(await claimInOrder(store)).toEqual([])
      await settleOne(store, head as ClaimedDelivery, pendingFor(LONG_MS))
      await acceptEach(store, eventsAbout(credential, 1))
      expect(await claimInOrder(store)).toEqual([])
    })

    test.each<NextState>([{ state: 'delivered' }, { state: 'dead', failures: 3 }])(
      'gives the next one when the one before it is $state',
      async (next) => {
        const store = await open()
        const requests = await acceptEach(store, eventsAbout(randomUUID(), 2))
        const [head] = await claimInOrder(store)
        expect(await claimInOrder(store)).toEqual([])
        await settleOne(store, head as ClaimedDelivery, next)
        expect(idsOf(await claimInOrder(store))).toEqual([requests[1]?.webhookId])
      },
    )

    test('does not block events that name no credential', async () => {
      const store = await open()
      await acceptEach(
        store,
        Array.from({ length: 3 }, () => acceptanceAbout(null)),
      )
      expect(await claimInOrder(store)).toHaveLength(3)
    })

    test('blocks nothing for another hook', async () => {
      const store = await open()
      const [first, second] = await acceptEach(store, eventsAbout(randomUUID(), 2, ['a', 'b']))
      const [atA, ...more] = await claimInOrder(store)
      expect(atA?.webhookId).toBe(first?.webhookId)
      expect(more).toEqual([])
      await settleAll(store, 'b', { state: 'delivered' })
      expect(await claim(store, ['b'])).toEqual([])
      expect(await claimInOrder(store)).toEqual([])
      await settleOne(store, atA as ClaimedDelivery, dead(1))
      expect(idsOf(await claimInOrder(store))).toEqual([second?.webhookId])
    })

    test('says when the first is due, and not that the blocked ones are', async () => {
      const store = await open()
      await acceptEach(store, eventsAbout(randomUUID(), 5))
      const [head] = await claimInOrder(store)
      const want = wanting('a', { limit: 100, ordered: true })
      expect((await store.claim([want])).nextDueInMs).toBeGreaterThan(LONG_MS / 2)
      await settleOne(store, head as ClaimedDelivery, pendingFor(2 * LONG_MS))
      expect((await store.claim([want])).nextDueInMs).toBeGreaterThan(LONG_MS)
    })

    test('gives the first again when its lease has run out, and still nothing behind it', async () => {
      const store = await open()
      const [head] = await acceptEach(store, eventsAbout(randomUUID(), 3))
      for (const leaseToken of [1, 2, 3]) {
        const [delivery] = await leaseShortly(store)
        expect(delivery).toMatchObject({ webhookId: head?.webhookId, leaseToken })
      }
    })

    test('gives all at once when ordering is switched off, and blocks again when it is on', async () => {
      const store = await open()
      await acceptEach(store, eventsAbout(randomUUID(), 3))
      expect(await claimInOrder(store)).toHaveLength(1)
      expect(await claimInOrder(store)).toEqual([])
      const rest = await claim(store, ['a'])
      expect(rest).toHaveLength(2)
      await store.settle(rest.map((delivery) => settlement(delivery, pendingFor(0))))
      expect(await claimInOrder(store)).toEqual([])
    })

    test('fills the room there is with other credentials, though many wait behind one', async () => {
      const store = await open()
      await Promise.all(eventsAbout(randomUUID(), 2500).map((request) => store.accept(request)))
      const others = Array.from({ length: 5 }, () => acceptanceAbout(randomUUID()))
      await acceptEach(store, others)
      // One claim looks at a part of what is due; asking again while something is due goes on.
      const given: string[] = []
      for (;;) {
        const want = wanting('a', { limit: 8, ordered: true })
        const { deliveries, nextDueInMs } = await store.claim([want])
        given.push(...idsOf(deliveries))
        if (nextDueInMs !== null && nextDueInMs > 0) break
      }
      expect(given).toHaveLength(6)
      expect(given).toEqual(expect.arrayContaining(idsOf(others)))
    })

    test('blocks what is behind one that was replayed', async () => {
      const store = await open()
      const requests = await acceptEach(store, eventsAbout(randomUUID(), 3))
      const [head] = await claimInOrder(store)
      await settleOne(store, head as ClaimedDelivery, dead(1))
      expect(await replay(store, { hook: 'a' })).toEqual({ replayed: 1 })
      for (const { webhookId } of requests) {
        const [delivery, more] = await claimInOrder(store)
        expect(delivery?.webhookId).toBe(webhookId)
        expect(more).toBeUndefined()
        await settleOne(store, delivery as ClaimedDelivery, { state: 'delivered' })
      }
    })
  })
}

function eventsAbout(credentialId: string, count: number, hooks?: string[]) {
  return Array.from({ length: count }, () => acceptanceAbout(credentialId, hooks))
}

function idsOf(given: readonly { webhookId: string }[]): string[] {
  return given.map(({ webhookId }) => webhookId)
}

async function claimInOrder(store: ReadableStore): Promise<ClaimedDelivery[]> {
  return (await store.claim([wanting('a', { limit: 100, ordered: true })])).deliveries
}

/** Waits until something is due, and leases it for so short that it is soon due again. */
async function leaseShortly(store: ReadableStore): Promise<ClaimedDelivery[]> {
  for (;;) {
    const want = wanting('a', { limit: 100, leaseMs: 20, ordered: true })
    const { deliveries } = await store.claim([want])
    if (deliveries.length > 0) return deliveries
  }
}
