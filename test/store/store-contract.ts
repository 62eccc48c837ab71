import { describe, expect, onTestFinished, test } from 'vitest'
import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'
import { StoreError } from '../../src/store/store.ts'
import type { ClaimedDelivery, NextState, Store } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import {
  LONG_MS,
  SHORT_LEASE_MS,
  acceptEach,
  acceptance,
  acceptanceOfSize,
  changedContent,
  claim,
  claimAll,
  claimOne,
  claimable,
  countHooks,
  countOutcomes,
  dead,
  judged,
  keyOf,
  pendingFor,
  roundedUp,
  settleOne,
  settlement,
  wanting,
} from './asking.ts'
import { describeHistory } from './history-contract.ts'
import { describeOrdering } from './ordering-contract.ts'
import { describePrune } from './prune-contract.ts'
import { describeReplay } from './replay-contract.ts'
import { describeSettle } from './settle-contract.ts'

/**
 * What every store promises, held against a real one through the `Store` interface alone.
 * @param openStore gives an empty store that nothing else uses, and lets go of what is beneath it after the test
 */
export function describeStoreContract(name: string, openStore: () => Promise<Store>): void {
  async function open(): Promise<Store> {
    const store = await openStore()
    onTestFinished(() => store.close())
    return store
  }

  describe(`${name}: accept`, () => {
    test('takes a new event in, with one delivery for each hook', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
      const deliveries = await claim(store, ['a', 'b', 'c'])
      expect(deliveries.map(({ hook }) => hook).toSorted()).toEqual(['a', 'b'])
      expect(deliveries[1]?.eventSeq).toBe(deliveries[0]?.eventSeq)
      for (const delivery of deliveries) {
        expect(delivery).toEqual({
          eventSeq: expect.any(Number),
          hook: delivery.hook,
          webhookId: request.webhookId,
          eventType: 'acs_credential.issued',
          body: request.event.body,
          leaseToken: 1,
          attempt: 1,
          failures: 0,
          ageMs: expect.any(Number),
        })
        expect(delivery.ageMs).toBeGreaterThanOrEqual(0)
        expect(delivery.ageMs).toBeLessThan(LONG_MS)
      }
    })

    test('leases a delivery at once where it is asked to, as the first attempt', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      const deliveries = [{ hook: 'a', leaseMs: LONG_MS }, { hook: 'b' }]
      const accepted = await store.accept({ ...request, deliveries })
      const { deliveries: due, nextDueInMs } = await claimAll(store, ['a', 'b'], 2 * LONG_MS)
      expect(due).toMatchObject([{ hook: 'b', leaseToken: 1, attempt: 1 }])
      expect(accepted).toEqual({ outcome: 'accepted', eventSeq: due[0]?.eventSeq })
      expect(roundedUp(nextDueInMs)).toBe(LONG_MS)
      const leased = { ...(due[0] as ClaimedDelivery), hook: 'a' }
      expect(await settleOne(store, leased, pendingFor(0))).toBe('settled')
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 2, failures: 9 })
    })

    test('gives what was leased at once to others when that lease has run out', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept({ ...request, deliveries: [{ hook: 'a', leaseMs: SHORT_LEASE_MS }] })
      const taken = await claimable(store, 'a')
      expect(taken).toMatchObject({ leaseToken: 2, failures: 0, webhookId: request.webhookId })
      expect(await settleOne(store, { ...taken, leaseToken: 1 }, { state: 'delivered' })).toBe('lease_lost')
    })

    test('takes an event in that no hook wants', async () => {
      const store = await open()
      const request = acceptance({ hooks: [] })
      expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
      expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a'])).toEqual([])
    })

    test('keeps the body as it came, in every script', async () => {
      const store = await open()
      const event = judged(` ${JSON.stringify(credentialEvent({ note: 'ä€😀 \u0000 \\' }), null, 2)}\r\n`)
      await store.accept(acceptance({ event, hooks: ['a'] }))
      expect((await claimOne(store, 'a')).body).toBe(event.body)
    })

    test('knows an event again by its webhook id, whatever message brings it', async () => {
      const store = await open()
      const first = acceptance({ hooks: ['a'] })
      await store.accept(first)
      expect(await store.accept({ ...first, messageId: newMessageId() })).toEqual({ outcome: 'duplicate' })
      expect(await store.accept(first)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a'])).toHaveLength(1)
    })

    test('leaves what it had when a duplicate comes with other white space or for other hooks', async () => {
      const store = await open()
      const event = credentialEvent()
      const first = acceptance({ event: judged(JSON.stringify(event)), hooks: ['a'] })
      await store.accept(first)
      const spaced = judged(JSON.stringify(event, null, 2))
      expect(await store.accept({ ...first, event: spaced, deliveries: [{ hook: 'b' }] })).toEqual({
        outcome: 'duplicate',
      })
      const deliveries = await claim(store, ['a', 'b'])
      expect(deliveries).toMatchObject([{ hook: 'a', body: first.event.body }])
    })

    test('sets other content under a known webhook id aside, and the first stays as it is', async () => {
      const store = await open()
      const first = acceptance({ hooks: ['a'] })
      await store.accept(first)
      const changed = changedContent(first)
      const conflict = await store.accept(changed)
      expect(conflict).toEqual({
        outcome: 'conflict',
        quarantineId: expect.stringMatching(/./),
        problems: [{ path: '/event_id', message: 'is known already, with other content' }],
      })
      expect(await store.accept(changed)).toEqual(conflict)
      expect(await store.accept(first)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a', 'b'])).toMatchObject([{ hook: 'a', body: first.event.body }])
    })

    test('sets the content of a conflict aside once for each message that brings it', async () => {
      const store = await open()
      const first = acceptance()
      await store.accept(first)
      const changed = changedContent(first)
      const ids = []
      for (const messageId of ['msg_1', 'msg_1', 'msg_2']) {
        const result = await store.accept({ ...changed, messageId })
        if (result.outcome === 'conflict') ids.push(result.quarantineId)
      }
      expect(ids).toHaveLength(3)
      expect(ids[1]).toBe(ids[0])
      expect(ids[2]).not.toBe(ids[0])
    })

    test('takes samples in under their message ids, though their event id is one', async () => {
      const store = await open()
      const event = judged(JSON.stringify(credentialEvent({ event_id: SAMPLE_EVENT_ID })))
      for (const webhookId of ['msg_1', 'msg_2']) {
        const request = { ...acceptance({ event, hooks: ['a'] }), webhookId, messageId: webhookId }
        expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
        expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      }
      const deliveries = await claim(store, ['a'])
      expect(deliveries.map(({ webhookId }) => webhookId)).toEqual(['msg_1', 'msg_2'])
    })

    test('takes one of fifty in that come at once with one webhook id', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      const results = await Promise.all(
        Array.from({ length: 50 }, () => store.accept({ ...request, messageId: newMessageId() })),
      )
      expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 49 })
      expect(await claim(store, ['a', 'b'])).toHaveLength(2)
    })

    test('takes one in of those that come at once with one webhook id and two contents', async () => {
      const store = await open()
      const one = acceptance({ hooks: ['a'] })
      const other = changedContent(one)
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) => store.accept(n % 2 === 0 ? one : other)),
      )
      expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 24, conflict: 25 })
      expect(await claim(store, ['a', 'b'])).toHaveLength(1)
    })

    test('takes all in that come at once with webhook ids of their own', async () => {
      const store = await open()
      const requests = Array.from({ length: 50 }, () => acceptance({ hooks: ['a'] }))
      const results = await Promise.all(requests.map((request) => store.accept(request)))
      expect(countOutcomes(results)).toEqual({ accepted: 50 })
      const deliveries = await claim(store, ['a'])
      expect(new Set(deliveries.map(({ webhookId }) => webhookId))).toEqual(
        new Set(requests.map(({ webhookId }) => webhookId)),
      )
      expect(new Set(deliveries.map(({ eventSeq }) => eventSeq)).size).toBe(50)
    })

    test('numbers events in the order of acceptance', async () => {
      const store = await open()
      const requests = Array.from({ length: 5 }, () => acceptance({ hooks: ['a'] }))
      for (const request of requests) await store.accept(request)
      const bySeq = (await claim(store, ['a'])).toSorted((one, other) => one.eventSeq - other.eventSeq)
      expect(bySeq.map(({ webhookId }) => webhookId)).toEqual(requests.map(({ webhookId }) => webhookId))
    })

    test('does not deliver again what was delivered, when a duplicate or a conflict comes', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      await settleOne(store, await claimOne(store, 'a'), { state: 'delivered' })
      await store.accept(request)
      await store.accept(changedContent(request))
      expect(await claim(store, ['a', 'b'])).toEqual([])
    })
  })

  describe(`${name}: quarantine`, () => {
    const problems = [{ path: '', message: 'is not valid UTF-8' }]
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d])

    test('keeps a body once under its message id', async () => {
      const store = await open()
      const { quarantineId } = await store.quarantine({ messageId: 'msg_1', bytes, problems })
      expect(quarantineId).toMatch(/./)
      expect(await store.quarantine({ messageId: 'msg_1', bytes, problems })).toEqual({ quarantineId })
    })

    test('tells bodies and messages apart', async () => {
      const store = await open()
      const ids = []
      for (const [messageId, body] of [
        ['msg_1', bytes],
        ['msg_2', bytes],
        ['msg_1', Buffer.from([0x7b, 0xfe, 0x00, 0x7d])],
        ['msg_1', Buffer.alloc(0)],
        ['msg_', Buffer.concat([Buffer.from('1'), bytes])],
      ] as const) {
        ids.push((await store.quarantine({ messageId, bytes: body, problems })).quarantineId)
      }
      expect(new Set(ids).size).toBe(5)
    })

    test('keeps one of those that come at once under one message id', async () => {
      const store = await open()
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.quarantine({ messageId: 'msg_1', bytes, problems })),
      )
      expect(new Set(answers.map(({ quarantineId }) => quarantineId)).size).toBe(1)
    })

    test('takes nothing in that could be delivered', async () => {
      const store = await open()
      await store.quarantine({ messageId: 'msg_1', bytes, problems })
      expect(await claimAll(store, ['a'])).toEqual({ deliveries: [], nextDueInMs: null })
    })
  })

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

  describeSettle(name, open)
  describeOrdering(name, open)
  describeReplay(name, open)
  describePrune(name, open)
  describeHistory(name, open)

  describe(`${name}: check`, () => {
    test('resolves while a change can be put on disk, as often as it is asked', async () => {
      const store = await open()
      await Promise.all([store.check(), store.check()])
      await store.check()
      expect(await claimAll(store, ['a'])).toEqual({ deliveries: [], nextDueInMs: null })
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
      const refused = Array.from({ length: 10 }, () => 'store_closed')
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
    store.replay({}),
    store.replayMissing({ hook: 'a', events: ['*'], workspaces: null }),
    store.prune({ payloadAgeMs: 0, dedupAgeMs: 0, limit: 1 }),
    store.stats(),
    store.deliveriesOf('msg_1'),
    store.check(),
  ])
  return results.map((result) => {
    if (result.status === 'fulfilled') return 'not refused'
    return result.reason instanceof StoreError ? result.reason.code : result.reason
  })
}
