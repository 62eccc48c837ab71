import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ReplayFilter, ReplayMissing, ReplayScope } from '../../src/store/replay-jobs.ts'
import type { AcceptRequest, ClaimedDelivery, NextState } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { until } from '../support/until.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptEach,
  acceptance,
  acceptanceAbout,
  beginReplay,
  claim,
  claimOne,
  countReplay,
  dead,
  judged,
  keyOf,
  pendingFor,
  replay,
  settleAll,
  settleOne,
  settlement,
  stepToEnd,
  wanting,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

const NEXT: Record<'dead' | 'delivered' | 'pending', NextState> = {
  dead: dead(1),
  delivered: { state: 'delivered' },
  pending: pendingFor(LONG_MS),
}

const ANY: ReplayMissing['missing'] = { events: ['*'], workspaces: null }

export function describeReplay(name: string, open: () => Promise<ReadableStore>): void {
  /** One delivery in each state, at hooks of these names. */
  async function openWithEachState() {
    const store = await open()
    const request = acceptance({ hooks: ['dead', 'delivered', 'leased', 'pending'] })
    await store.accept(request)
    await settleAll(store, 'dead', dead(4))
    await settleAll(store, 'delivered', { state: 'delivered' })
    await settleAll(store, 'pending', pendingFor(LONG_MS))
    const leased = await claimOne(store, 'leased')
    const due = async () =>
      (await claim(store, ['dead', 'delivered', 'leased', 'pending'])).map(({ hook }) => hook)
    return { store, request, leased, due }
  }

  describe(`${name}: replay`, () => {
    test('puts the dead back, due now, without failures, as the next attempt, and no other', async () => {
      const { store, due } = await openWithEachState()
      expect(await replay(store, {})).toEqual({ replayed: 1 })
      expect(await claimOne(store, 'dead')).toMatchObject({ attempt: 2, failures: 0 })
      expect(await due()).toEqual([])
    })

    test.each([
      [['dead'], ['dead']],
      [['delivered'], ['delivered']],
      [['pending'], ['pending']],
      [
        ['dead', 'delivered', 'pending'],
        ['dead', 'delivered', 'pending'],
      ],
      [[], []],
    ] as const)('of the states %j puts %j back, and leaves the leased alone', async (states, hooks) => {
      for (const ids of [false, true]) {
        const { store, request, leased, due } = await openWithEachState()
        const filter = ids ? { states, webhookIds: [request.webhookId] } : { states }
        expect(await replay(store, filter)).toEqual({ replayed: hooks.length })
        expect((await due()).toSorted()).toEqual(hooks)
        expect(await settleOne(store, leased, { state: 'delivered' })).toBe('settled')
      }
    })

    test('of named events puts the dead and the delivered back, and no other event', async () => {
      const { store, request, due } = await openWithEachState()
      await store.accept(acceptance({ hooks: ['other'] }))
      await settleAll(store, 'other', { state: 'delivered' })
      expect(await replay(store, { webhookIds: [request.webhookId, 'unknown'] })).toEqual({ replayed: 2 })
      expect((await due()).toSorted()).toEqual(['dead', 'delivered'])
      expect(await claim(store, ['other'])).toEqual([])
      expect(await replay(store, { webhookIds: [] })).toEqual({ replayed: 0 })
    })

    test('keeps to the hook that is named', async () => {
      const { store, request, due } = await openWithEachState()
      expect(await replay(store, { hook: 'delivered' })).toEqual({ replayed: 0 })
      const filter = { hook: 'delivered', webhookIds: [request.webhookId] }
      expect(await replay(store, filter)).toEqual({ replayed: 1 })
      expect(await due()).toEqual(['delivered'])
    })

    test.each(['dead', 'delivered', 'pending'] as const)(
      'of the %s keeps to the span of acceptance, its beginning in and its end out',
      async (state) => {
        const { store, requests, middle } = await openAroundAMoment(open, 'a')
        const next = NEXT[state]
        await settleAll(store, 'a', next)
        const states = [state]
        expect(await replay(store, { states, since: middle, until: middle })).toEqual({ replayed: 0 })
        for (const [index, span] of [{ until: middle }, { since: middle }].entries()) {
          expect(await replay(store, { states, ...span })).toEqual({ replayed: 1 })
          const delivery = await claimOne(store, 'a')
          expect(delivery.webhookId).toBe(requests[index]?.webhookId)
          await settleOne(store, delivery, next)
        }
        const both = requests.map(({ webhookId }) => webhookId)
        expect(await replay(store, { states, webhookIds: both, since: middle })).toEqual({ replayed: 1 })
      },
    )

    test('begins the age anew and is counted in the history, which stays', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      for (const replays of [1, 2]) {
        const delivery = await claimOne(store, 'a')
        expect(await settleOne(store, delivery, dead(1))).toBe('settled')
        await aLaterTime()
        const askedAt = Date.now()
        await replay(store, {})
        const [history] = await store.reader.deliveriesOf(request.webhookId)
        expect(history).toMatchObject({ state: 'pending', failures: 0, replays, attempts: replays })
        expect(history?.records).toHaveLength(replays)
        const ageMs = (await store.reader.stats())[0]?.oldestPendingAgeMs
        // Both are in whole milliseconds, cut at different moments.
        expect(ageMs).toBeLessThanOrEqual(Date.now() - askedAt + 1)
      }
    })

    test('makes an outcome that comes late count for nothing', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const first = await claimOne(store, 'a')
      await settleOne(store, first, dead(1))
      await replay(store, {})
      expect(await settleOne(store, first, { state: 'delivered' })).toBe('already_settled')
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 2 })
    })

    test('puts thousands back in steps, each no larger than asked for', async () => {
      const store = await open()
      await Promise.all(Array.from({ length: 3000 }, () => store.accept(acceptance({ hooks: ['a'] }))))
      for (let n = 0; n < 3; n++) await settleAll(store, 'a', dead(1))
      const { id } = await beginReplay(store, { hook: 'a' })
      expect(await store.stepReplay({ id, limit: 700, pauseMs: 0, orderedHooks: [] })).toMatchObject({
        replayed: 700,
      })
      expect(await claim(store, ['a'], { limit: 4000 })).toHaveLength(700)
      expect(await stepToEnd(store, id, 700)).toBe(2300)
      expect(await claim(store, ['a'], { limit: 4000 })).toHaveLength(2300)
    })
  })

  describe(`${name}: replay in steps`, () => {
    /** Events of one credential for two hooks, all delivered or dead, turn by turn. */
    async function openWithEnded(count: number) {
      const store = await open()
      const credential = randomUUID()
      const requests = Array.from({ length: count }, () => acceptanceAbout(credential, ['a', 'b']))
      await acceptEach(store, requests)
      for (const hook of ['a', 'b']) {
        const claimed = await claim(store, [hook])
        await store.settle(
          claimed.map((one, n) => settlement(one, n % 2 === 0 ? dead(1) : { state: 'delivered' })),
        )
      }
      return { store, requests, ids: requests.map(({ webhookId }) => webhookId) }
    }

    const both: ReplayFilter = { states: ['dead', 'delivered'] }

    test.each<[string, (ids: string[]) => ReplayScope, number]>([
      ['all', () => both, 14],
      ['those of a hook', () => ({ ...both, hook: 'b' }), 7],
      ['named ones', (ids) => ({ webhookIds: ids.toReversed() }), 14],
      ['the dead', () => ({}), 8],
      ['the dead of a hook', () => ({ hook: 'a' }), 4],
      ['missing ones', () => ({ hook: 'new', missing: ANY }), 7],
      ['missing ones that are named', (ids) => ({ hook: 'new', missing: ANY, webhookIds: ids }), 7],
    ])('puts back %s once and in the order of acceptance, one at a time', async (_, scopeOf, count) => {
      const { store, ids } = await openWithEnded(7)
      const scope = scopeOf(ids)
      expect(await countReplay(store, scope, 1)).toBe(count)
      const { id } = await beginReplay(store, scope)
      const seen: string[] = []
      for (let isLast = false; !isLast;) {
        const step = await store.stepReplay({ id, limit: 1, pauseMs: 0, orderedHooks: [] })
        expect(step.replayed).toBeLessThanOrEqual(1)
        isLast = step.isLast
        // Ends as it was before: it would fit again.
        for (const delivery of await claim(store, ['a', 'b', 'new'])) {
          seen.push(keyOf(delivery))
          await settleOne(store, delivery, dead(1))
        }
      }
      expect(seen).toHaveLength(count)
      expect(new Set(seen).size).toBe(count)
      for (const hook of ['a', 'b', 'new']) {
        const seqs = seen.filter((key) => key.endsWith(` ${hook}`)).map((key) => parseInt(key, 10))
        expect(seqs).toEqual(seqs.toSorted((one, other) => one - other))
      }
      expect(await store.reader.findReplay(id)).toMatchObject({
        state: 'finished',
        replayed: count,
        error: null,
      })
    })

    test.each<[string, ReplayScope]>([
      ['deliveries', both],
      ['the dead', {}],
      ['missing ones', { hook: 'new', missing: ANY }],
    ])('takes none of an event that was accepted after it began: %s', async (_, scope) => {
      const { store } = await openWithEnded(2)
      const counted = await countReplay(store, scope)
      const { id } = await beginReplay(store, scope)
      await store.accept(acceptance({ hooks: ['a', 'b'] }))
      await settleAll(store, 'a', dead(1))
      await settleAll(store, 'b', { state: 'delivered' })
      expect(await stepToEnd(store, id, 1)).toBe(counted)
    })

    test('keeps to the code of the last failure', async () => {
      const store = await open()
      const requests = await acceptEach(
        store,
        [1, 2, 3].map(() => acceptance({ hooks: ['a'] })),
      )
      const [first, second, third] = (await claim(store, ['a'])).toSorted(
        (one, other) => one.eventSeq - other.eventSeq,
      ) as [ClaimedDelivery, ClaimedDelivery, ClaimedDelivery]
      const failed = (delivery: ClaimedDelivery, errorCode: string, next: NextState) =>
        store.settle([
          { ...delivery, record: { durationMs: 1, status: null, errorCode, answer: null }, next },
        ])
      await failed(first, 'gone', dead(1))
      await failed(second, 'gone', { state: 'pending', delayMs: 0, failures: 1 })
      await failed(await claimOne(store, 'a'), 'timeout', dead(2))
      await failed(third, 'timeout', dead(1))
      expect(await replay(store, { code: 'gone' })).toEqual({ replayed: 1 })
      expect((await claimOne(store, 'a')).webhookId).toBe(requests[0]?.webhookId)
      expect(await replay(store, { code: 'timeout' })).toEqual({ replayed: 2 })
      expect(await replay(store, { code: 'unheard_of', states: ['dead', 'pending'] })).toEqual({
        replayed: 0,
      })
    })

    test('goes no faster than it was asked to, and waits between its steps', async () => {
      const { store } = await openWithEnded(5)
      const { id } = await beginReplay(store, both, 5)
      const step = await store.stepReplay({ id, limit: 100, pauseMs: 10, orderedHooks: [] })
      expect(step).toEqual({
        replayed: 1,
        changesDue: true,
        isFirst: true,
        nextStepInMs: 200,
        isLast: false,
      })
      const early = await store.stepReplay({ id, limit: 100, pauseMs: 10, orderedHooks: [] })
      expect(early).toMatchObject({ replayed: 0, isFirst: false, isLast: false })
      expect(early.nextStepInMs).toBeGreaterThan(0)
      expect(early.nextStepInMs).toBeLessThanOrEqual(200)
      await until('the next step', async () => {
        return (await store.stepReplay({ id, limit: 100, pauseMs: 10, orderedHooks: [] })).replayed === 1
      })
    })

    test('is ended by a person, keeps what it put back, and then takes no further step', async () => {
      const { store } = await openWithEnded(3)
      const { id } = await beginReplay(store, both)
      await store.stepReplay({ id, limit: 2, pauseMs: 0, orderedHooks: [] })
      expect(await store.endReplay({ id, state: 'cancelled' })).toMatchObject({
        state: 'cancelled',
        replayed: 2,
      })
      const none = { replayed: 0, changesDue: false, isFirst: false, nextStepInMs: null, isLast: false }
      expect(await store.stepReplay({ id, limit: 2, pauseMs: 0, orderedHooks: [] })).toEqual(none)
      expect(await claim(store, ['a', 'b'])).toHaveLength(2)
      expect(await store.endReplay({ id, state: 'failed', error: 'late' })).toMatchObject({
        state: 'cancelled',
        error: null,
      })
      expect((await store.reader.findReplay(id))?.endedAt).toEqual(expect.any(Number))
      for (const unknown of [randomUUID(), 'nothing']) {
        expect(await store.reader.findReplay(unknown)).toBeNull()
        expect(await store.endReplay({ id: unknown, state: 'cancelled' })).toBeNull()
      }
    })

    test('of named events goes before those that began earlier', async () => {
      const { store } = await openWithEnded(2)
      await beginReplay(store, both, 1)
      const urgent = await beginReplay(store, { ...both, webhookIds: ['an-event'] })
      const later = await beginReplay(store, { ...both, webhookIds: ['another'] })
      expect((await store.runningReplay())?.id).toBe(urgent.id)
      await stepToEnd(store, urgent.id)
      expect((await store.runningReplay())?.id).toBe(later.id)
    })

    test('is begun once for each id; the one that began first is done first, the newest is listed first', async () => {
      const { store } = await openWithEnded(1)
      const first = await beginReplay(store, both, 7)
      expect(first).toMatchObject({ scope: both, perSecond: 7, state: 'running', replayed: 0, endedAt: null })
      expect(await store.createReplay({ ...first, wouldReplay: 99 })).toEqual(first)
      const second = await beginReplay(store, { hook: 'a' })
      expect(await store.runningReplay()).toEqual(first)
      expect((await store.reader.listReplays(10)).map(({ id }) => id)).toEqual([second.id, first.id])
      expect(await store.reader.listReplays(1)).toHaveLength(1)
      await store.endReplay({ id: first.id, state: 'failed', error: 'why' })
      expect(await store.reader.findReplay(first.id)).toMatchObject({ state: 'failed', error: 'why' })
      expect(await store.runningReplay()).toEqual(second)
      await stepToEnd(store, second.id)
      expect(await store.runningReplay()).toBeNull()
    })
  })

  describe(`${name}: discard`, () => {
    test('gives up what a hook has pending, and nothing that is out or of another hook', async () => {
      const store = await open()
      const credential = randomUUID()
      await acceptEach(
        store,
        [1, 2, 3, 4].map(() => acceptanceAbout(credential, ['gone', 'kept'])),
      )
      const want = wanting('gone', { limit: 10, ordered: true })
      const [out] = (await store.claim([want])).deliveries as [ClaimedDelivery]
      expect(await store.discard({ hook: 'gone', limit: 2 })).toEqual({ discarded: 2 })
      expect(await store.discard({ hook: 'gone', limit: 2 })).toEqual({ discarded: 1 })
      expect(await settleOne(store, out, pendingFor(0))).toBe('settled')
      expect(await store.discard({ hook: 'gone', limit: 2 })).toEqual({ discarded: 1 })
      expect(await store.discard({ hook: 'gone', limit: 2 })).toEqual({ discarded: 0 })
      expect((await store.claim([want])).deliveries).toEqual([])
      expect(await claim(store, ['kept'])).toHaveLength(4)
    })

    test('of a hook that comes back before it is through, the rest is still sent', async () => {
      const store = await open()
      const credential = randomUUID()
      const requests = await acceptEach(
        store,
        [1, 2, 3].map(() => acceptanceAbout(credential)),
      )
      const want = wanting('a', { limit: 10, ordered: true })
      const [out] = (await store.claim([want])).deliveries as [ClaimedDelivery]
      await settleOne(store, out, pendingFor(0))
      expect(await store.discard({ hook: 'a', limit: 1 })).toEqual({ discarded: 1 })
      const sent: string[] = []
      for (let n = 0; n < 2; n++) {
        const [next] = (await store.claim([want])).deliveries as [ClaimedDelivery]
        sent.push(next.webhookId)
        await settleOne(store, next, { state: 'delivered' })
      }
      expect(sent).toHaveLength(2)
      expect(sent[0]).toBe(requests[0]?.webhookId)
    })

    test('of dead letters, those with the code that is named wait for nobody any more, and can still be replayed', async () => {
      const store = await open()
      await acceptEach(
        store,
        [1, 2, 3].map(() => acceptance({ hooks: ['a', 'other'] })),
      )
      const [timedOut, ...refused] = await claim(store, ['a'])
      await store.settle([settlement(timedOut as ClaimedDelivery, dead(1), { errorCode: 'timeout' })])
      for (const one of refused) await store.settle([settlement(one, dead(1), { errorCode: 'gone' })])
      await settleAll(store, 'other', dead(1))
      const deadOf = async () =>
        Object.fromEntries((await store.reader.stats()).map(({ hook, dead: count }) => [hook, count]))
      expect(await deadOf()).toEqual({ a: 3, other: 3 })

      const first = await store.dismiss({ hook: 'a', code: 'gone', limit: 2 })
      expect(first).toEqual({ dismissed: 1, next: expect.any(Number) })
      const second = await store.dismiss({ hook: 'a', code: 'gone', limit: 2, after: first.next as number })
      expect(second).toEqual({ dismissed: 1, next: null })
      expect(await deadOf()).toEqual({ a: 1, other: 3 })
      expect(await store.dismiss({ hook: 'a', limit: 10 })).toEqual({ dismissed: 1, next: null })
      expect(await store.dismiss({ hook: 'a', limit: 10 })).toEqual({ dismissed: 0, next: null })
      expect(await deadOf()).toEqual({ other: 3 })

      expect(await replay(store, { hook: 'a' })).toEqual({ replayed: 3 })
      expect(await claim(store, ['a'])).toHaveLength(3)
    })

    test('of dead letters, null as the code is those of which none is recorded, and not all', async () => {
      const store = await open()
      await acceptEach(
        store,
        [1, 2, 3].map(() => acceptance({ hooks: ['a'] })),
      )
      const [refused, ...without] = await claim(store, ['a'])
      await store.settle([settlement(refused as ClaimedDelivery, dead(1), { errorCode: 'gone' })])
      for (const one of without) await store.settle([settlement(one, dead(1), { errorCode: null })])
      const { count } = await store.reader.countReplay({ scope: { hook: 'a', code: null }, limit: 10 })
      expect(count).toBe(2)
      expect(await store.dismiss({ hook: 'a', code: null, limit: 10 })).toEqual({ dismissed: 2, next: null })
      expect(await replay(store, { hook: 'a', code: null })).toEqual({ replayed: 0 })
      expect(await replay(store, { hook: 'a', code: 'gone' })).toEqual({ replayed: 1 })
    })

    test('lets retention remove the event, unless another hook still needs it; a replay takes it back', async () => {
      const store = await open()
      const [only, needed] = await acceptEach(store, [
        acceptance({ hooks: ['gone'] }),
        acceptance({ hooks: ['gone', 'kept'] }),
      ])
      await settleAll(store, 'kept', dead(1))
      await store.discard({ hook: 'gone', limit: 10 })
      const endedCodes = async (request = needed) =>
        (await store.reader.deliveriesOf(request?.webhookId as string)).map(({ endedCode }) => endedCode)
      expect(await endedCodes()).toEqual(['discarded', null])
      await aLaterTime()
      await store.prune({ payloadAgeMs: 0, dedupAgeMs: LONG_MS, limit: 10 })
      expect(await endedCodes(only)).toEqual([])
      expect(await replay(store, { code: 'discarded' })).toEqual({ replayed: 1 })
      expect(await endedCodes()).toEqual([null, null])
      expect(await claimOne(store, 'gone')).toMatchObject({ webhookId: needed?.webhookId, attempt: 1 })
    })
  })

  describe(`${name}: replayMissing`, () => {
    const all: ReplayMissing = { hook: 'new', missing: { events: ['*'], workspaces: null } }

    test('makes the deliveries of a hook that was not there, in the order of acceptance, once', async () => {
      const store = await open()
      const requests = await acceptEach(store, [
        acceptance({ hooks: ['a'] }),
        acceptance(),
        acceptance({ hooks: ['a', 'new'] }),
      ])
      await settleAll(store, 'new', { state: 'delivered' })
      expect(await replay(store, all)).toEqual({ replayed: 2 })
      expect(await replay(store, all)).toEqual({ replayed: 0 })
      const claimed = await claim(store, ['new'])
      expect(claimed).toMatchObject([
        { webhookId: requests[0]?.webhookId, attempt: 1, failures: 0, body: requests[0]?.event.body },
        { webhookId: requests[1]?.webhookId, attempt: 1, failures: 0 },
      ])
      expect(await store.reader.deliveriesOf(requests[1]?.webhookId as string)).toMatchObject([
        { hook: 'new', replays: 1 },
      ])
      expect(await claim(store, ['a'])).toHaveLength(2)
    })

    test.each<[string[], string[]]>([
      [
        ['*'],
        ['acs_credential.deleted', 'acs_credential.issued', 'acs_credentialx.made', 'device.connected'],
      ],
      [['acs_credential.*'], ['acs_credential.deleted', 'acs_credential.issued']],
      [['acs_credential.issued'], ['acs_credential.issued']],
      [
        ['device.*', 'acs_credential.issued'],
        ['acs_credential.issued', 'device.connected'],
      ],
      [['acs_credential'], []],
      [['device_connected'], []],
      [['dev.*', 'device.conn'], []],
      [[], []],
    ])('for the patterns %j makes those of %j', async (events, types) => {
      const store = await open()
      await acceptEach(store, [
        ofType('acs_credential.issued'),
        ofType('acs_credential.deleted'),
        ofType('acs_credentialx.made'),
        ofType('device.connected'),
      ])
      expect(await replay(store, { ...all, missing: { events, workspaces: null } })).toEqual({
        replayed: types.length,
      })
      const made = (await claim(store, ['new'])).map(({ eventType }) => eventType)
      expect(made.toSorted()).toEqual(types)
    })

    test.each([
      ['systems', 'acs_system_id'],
      ['accounts', 'connected_account_id'],
    ] as const)('keeps to the %s of the hook', async (list, field) => {
      const store = await open()
      const mine = randomUUID()
      const requests = [mine, randomUUID()].map((id) =>
        acceptance({ event: judged(JSON.stringify(credentialEvent({ [field]: id }))) }),
      )
      await acceptEach(store, requests)
      const missing = { events: ['*'], workspaces: null, [list]: [mine] }
      expect(await replay(store, { ...all, missing })).toEqual({ replayed: 1 })
      expect((await claim(store, ['new'])).map(({ webhookId }) => webhookId)).toEqual([
        requests[0]?.webhookId,
      ])
    })

    test('keeps to the workspaces of the hook', async () => {
      const store = await open()
      const [one, other] = [randomUUID(), randomUUID()]
      const requests = [one, other, randomUUID()].map((workspace_id) =>
        acceptance({ event: judged(JSON.stringify(credentialEvent({ workspace_id }))) }),
      )
      await acceptEach(store, requests)
      expect(await replay(store, { ...all, missing: { events: ['*'], workspaces: [] } })).toEqual({
        replayed: 0,
      })
      expect(await replay(store, { ...all, missing: { events: ['*'], workspaces: [one, other] } })).toEqual({
        replayed: 2,
      })
      expect((await claim(store, ['new'])).map(({ webhookId }) => webhookId)).toEqual(
        requests.slice(0, 2).map(({ webhookId }) => webhookId),
      )
    })

    test('keeps to the span of acceptance and to the events that are named', async () => {
      const { store, requests, middle } = await openAroundAMoment(open, 'a')
      const [early, late] = requests.map(({ webhookId }) => webhookId) as [string, string]
      expect(await replay(store, { ...all, webhookIds: [early], since: middle })).toEqual({
        replayed: 0,
      })
      expect(await replay(store, { ...all, webhookIds: [] })).toEqual({ replayed: 0 })
      expect(await replay(store, { ...all, since: middle })).toEqual({ replayed: 1 })
      expect((await claimOne(store, 'new')).webhookId).toBe(late)
      expect(await replay(store, { ...all, webhookIds: [early, late] })).toEqual({ replayed: 1 })
      expect((await claimOne(store, 'new')).webhookId).toBe(early)
    })

    test('makes deliveries that keep the order of their credential', async () => {
      const store = await open()
      const acs_credential_id = randomUUID()
      const requests = Array.from({ length: 2 }, () =>
        acceptance({ event: judged(JSON.stringify(credentialEvent({ acs_credential_id }))) }),
      )
      await acceptEach(store, requests)
      await replay(store, all)
      const want = wanting('new', { limit: 10, ordered: true })
      expect((await store.claim([want])).deliveries).toMatchObject([{ webhookId: requests[0]?.webhookId }])
    })
  })
}

/** Two events for the hook, the one accepted before the moment and the other at it or after. */
async function openAroundAMoment(
  open: () => Promise<ReadableStore>,
  hook: string,
): Promise<{ store: ReadableStore; requests: AcceptRequest[]; middle: number }> {
  const store = await open()
  const requests = [acceptance({ hooks: [hook] }), acceptance({ hooks: [hook] })] as const
  await store.accept(requests[0])
  const middle = await aLaterTime()
  await store.accept(requests[1])
  return { store, requests: [...requests], middle }
}

function ofType(event_type: string): AcceptRequest {
  return acceptance({ event: judged(JSON.stringify({ ...credentialEvent(), event_type })) })
}
