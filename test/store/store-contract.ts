import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../src/store/store.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { acceptance, beginReplay, claimAll, claimOne, countOutcomes, settlement, wanting } from './asking.ts'
import type { ReadableStore } from './asking.ts'
import { describeOrderedReplay } from './ordered-replay-contract.ts'
import { describeOrdering } from './ordering-contract.ts'
import { describeRecords } from './records-contract.ts'
import { describePrune } from './prune-contract.ts'
import { describeListings } from './listings-contract.ts'
import { describeReader } from './reader-contract.ts'
import { describeReconciliations } from './reconciliations-contract.ts'
import { describeReplay } from './replay-contract.ts'
import { describeSettle } from './settle-contract.ts'
import { describeAccept } from './accept-contract.ts'
import { describeClaim } from './claim-contract.ts'

/**
 * What every store and its reader promise, held against real ones through the two interfaces alone.
 * @param openStore gives an empty store that nothing else uses, and lets go of what is beneath it after the test
 */
export function describeStoreContract(name: string, openStore: () => Promise<ReadableStore>): void {
  async function open(): Promise<ReadableStore> {
    const store = await openStore()
    onTestFinished(() => store.close())
    return store
  }

  describeAccept(name, open)

  describeClaim(name, open)

  describeSettle(name, open)
  describeOrdering(name, open)
  describeReplay(name, open)
  describeOrderedReplay(name, open)
  describePrune(name, open)
  describeReader(name, open)
  describeListings(name, open)
  describeRecords(name, open)
  describeReconciliations(name, open)

  describe(`${name}: check`, () => {
    test('resolves while a change can be put on disk, as often as it is asked', async () => {
      const store = await open()
      await Promise.all([store.check(), store.check()])
      await store.check()
      expect(await claimAll(store, ['a'])).toEqual({ deliveries: [], nextDueInMs: null })
    })
  })

  describe(`${name}: announce`, () => {
    test('finds no other process where there is none, and changes no lease', async () => {
      const store = await open()
      const delivery = await acceptedAndClaimed(store)
      for (let n = 0; n < 3; n++) {
        const announcement = await store.announce()
        expect(announcement.kind === 'alone' || announcement.others === 0).toBe(true)
      }
      expect(await claimAll(store, ['a'])).toMatchObject({ deliveries: [] })
      await store.leave()
      expect(await store.settle([settlement(delivery, { state: 'delivered' })])).toEqual(['settled'])
    })
  })

  describe(`${name}: close`, () => {
    test('finishes what was asked before', async () => {
      const store = await open()
      const accepting = Array.from({ length: 700 }, () => store.accept(acceptance()))
      let finished = 0
      for (const result of accepting) void result.then(() => finished++)
      await store.close()
      expect(finished).toBe(700)
      expect(countOutcomes(await Promise.all(accepting))).toEqual({ accepted: 700 })
    })

    test('refuses what is asked later, while it closes and after', async () => {
      const store = await open()
      const delivery = await acceptedAndClaimed(store)
      const refused = Array.from({ length: 20 }, () => 'store_closed')
      const closing = store.close()
      expect(await refusalCodes(store, delivery)).toEqual(refused)
      await closing
      expect(await refusalCodes(store, delivery)).toEqual(refused)
    })

    test('may be asked for twice', async () => {
      const store = await open()
      await Promise.all([store.close(), store.close()])
      await expect(store.close()).resolves.toBeUndefined()
    })
  })
}

async function acceptedAndClaimed(store: Store): Promise<ClaimedDelivery> {
  await store.accept(acceptance({ hooks: ['a'] }))
  return claimOne(store, 'a')
}

/** What each method says to a call, where it is refused as a store refuses. */
async function refusalCodes(store: Store, delivery: ClaimedDelivery): Promise<unknown[]> {
  const results = await Promise.allSettled<unknown>([
    store.accept(acceptance()),
    store.quarantine({ messageId: 'msg_1', bytes: Buffer.from('x'), problems: [] }),
    store.claim([wanting('a', { limit: 1 })]),
    store.settle([settlement(delivery, { state: 'delivered' })]),
    beginReplay(store, {}),
    store.runningReplay(),
    store.stepReplay({ id: randomUUID(), limit: 1, pauseMs: 0, orderedHooks: [] }),
    store.endReplay({ id: randomUUID(), state: 'cancelled' }),
    store.discard({ hook: 'a', limit: 1 }),
    store.dismiss({ hook: 'a', limit: 1 }),
    store.prune({ payloadAgeMs: 0, dedupAgeMs: 0, limit: 1 }),
    store.record({ counts: [], activity: [], skipped: 0 }),
    store.recordAction({ actor: 'operator', action: 'pause', target: 'a', about: {} }),
    store.pauseHook({ hook: 'a', pausedBy: 'operator', reason: 'x' }),
    store.resumeHook('a'),
    store.pausedHooks(),
    store.dropQuarantined(randomUUID()),
    store.announce(),
    store.leave(),
    store.check(),
  ])
  return results.map((result) => {
    if (result.status === 'fulfilled') return 'not refused'
    return result.reason instanceof StoreError ? result.reason.code : result.reason
  })
}
