import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { AcceptRequest, NextState, ReplayMissingRequest, Store } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptEach,
  acceptance,
  claim,
  claimOne,
  dead,
  judged,
  pendingFor,
  settleAll,
  settleOne,
  wanting,
} from './asking.ts'

const NEXT: Record<'dead' | 'delivered' | 'pending', NextState> = {
  dead: dead(1),
  delivered: { state: 'delivered' },
  pending: pendingFor(LONG_MS),
}

export function describeReplay(name: string, open: () => Promise<Store>): void {
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
      expect(await store.replay({})).toEqual({ replayed: 1 })
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
        expect(await store.replay(filter)).toEqual({ replayed: hooks.length })
        expect((await due()).toSorted()).toEqual(hooks)
        expect(await settleOne(store, leased, { state: 'delivered' })).toBe('settled')
      }
    })

    test('of named events puts the dead and the delivered back, and no other event', async () => {
      const { store, request, due } = await openWithEachState()
      await store.accept(acceptance({ hooks: ['other'] }))
      await settleAll(store, 'other', { state: 'delivered' })
      expect(await store.replay({ webhookIds: [request.webhookId, 'unknown'] })).toEqual({ replayed: 2 })
      expect((await due()).toSorted()).toEqual(['dead', 'delivered'])
      expect(await claim(store, ['other'])).toEqual([])
      expect(await store.replay({ webhookIds: [] })).toEqual({ replayed: 0 })
    })

    test('keeps to the hook that is named', async () => {
      const { store, request, due } = await openWithEachState()
      expect(await store.replay({ hook: 'delivered' })).toEqual({ replayed: 0 })
      const filter = { hook: 'delivered', webhookIds: [request.webhookId] }
      expect(await store.replay(filter)).toEqual({ replayed: 1 })
      expect(await due()).toEqual(['delivered'])
    })

    test.each(['dead', 'delivered', 'pending'] as const)(
      'of the %s keeps to the span of acceptance, its beginning in and its end out',
      async (state) => {
        const { store, requests, middle } = await openAroundAMoment(open, 'a')
        const next = NEXT[state]
        await settleAll(store, 'a', next)
        const states = [state]
        expect(await store.replay({ states, since: middle, until: middle })).toEqual({ replayed: 0 })
        for (const [index, span] of [{ until: middle }, { since: middle }].entries()) {
          expect(await store.replay({ states, ...span })).toEqual({ replayed: 1 })
          const delivery = await claimOne(store, 'a')
          expect(delivery.webhookId).toBe(requests[index]?.webhookId)
          await settleOne(store, delivery, next)
        }
        const both = requests.map(({ webhookId }) => webhookId)
        expect(await store.replay({ states, webhookIds: both, since: middle })).toEqual({ replayed: 1 })
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
        await store.replay({})
        const [history] = await store.deliveriesOf(request.webhookId)
        expect(history).toMatchObject({ state: 'pending', failures: 0, replays, attempts: replays })
        expect(history?.records).toHaveLength(replays)
        const ageMs = (await store.stats())[0]?.oldestPendingAgeMs
        // Both are in whole milliseconds, cut at different moments.
        expect(ageMs).toBeLessThanOrEqual(Date.now() - askedAt + 1)
      }
    })

    test('makes an outcome that comes late count for nothing', async () => {
      const store = await open()
      await store.accept(acceptance({ hooks: ['a'] }))
      const first = await claimOne(store, 'a')
      await settleOne(store, first, dead(1))
      await store.replay({})
      expect(await settleOne(store, first, { state: 'delivered' })).toBe('already_settled')
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 2 })
    })

    test('puts thousands back in one step', async () => {
      const store = await open()
      await Promise.all(Array.from({ length: 3000 }, () => store.accept(acceptance({ hooks: ['a'] }))))
      for (let n = 0; n < 3; n++) await settleAll(store, 'a', dead(1))
      expect(await store.replay({ hook: 'a' })).toEqual({ replayed: 3000 })
      expect(await claim(store, ['a'], { limit: 4000 })).toHaveLength(3000)
    })
  })

  describe(`${name}: replayMissing`, () => {
    const all: ReplayMissingRequest = { hook: 'new', events: ['*'], workspaces: null }

    test('makes the deliveries of a hook that was not there, in the order of acceptance, once', async () => {
      const store = await open()
      const requests = await acceptEach(store, [
        acceptance({ hooks: ['a'] }),
        acceptance(),
        acceptance({ hooks: ['a', 'new'] }),
      ])
      await settleAll(store, 'new', { state: 'delivered' })
      expect(await store.replayMissing(all)).toEqual({ replayed: 2 })
      expect(await store.replayMissing(all)).toEqual({ replayed: 0 })
      const claimed = await claim(store, ['new'])
      expect(claimed).toMatchObject([
        { webhookId: requests[0]?.webhookId, attempt: 1, failures: 0, body: requests[0]?.event.body },
        { webhookId: requests[1]?.webhookId, attempt: 1, failures: 0 },
      ])
      expect(await store.deliveriesOf(requests[1]?.webhookId as string)).toMatchObject([
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
      expect(await store.replayMissing({ ...all, events })).toEqual({ replayed: types.length })
      const made = (await claim(store, ['new'])).map(({ eventType }) => eventType)
      expect(made.toSorted()).toEqual(types)
    })

    test('keeps to the workspaces of the hook', async () => {
      const store = await open()
      const [one, other] = [randomUUID(), randomUUID()]
      const requests = [one, other, randomUUID()].map((workspace_id) =>
        acceptance({ event: judged(JSON.stringify(credentialEvent({ workspace_id }))) }),
      )
      await acceptEach(store, requests)
      expect(await store.replayMissing({ ...all, workspaces: [] })).toEqual({ replayed: 0 })
      expect(await store.replayMissing({ ...all, workspaces: [one, other] })).toEqual({ replayed: 2 })
      expect((await claim(store, ['new'])).map(({ webhookId }) => webhookId)).toEqual(
        requests.slice(0, 2).map(({ webhookId }) => webhookId),
      )
    })

    test('keeps to the span of acceptance and to the events that are named', async () => {
      const { store, requests, middle } = await openAroundAMoment(open, 'a')
      const [early, late] = requests.map(({ webhookId }) => webhookId) as [string, string]
      expect(await store.replayMissing({ ...all, webhookIds: [early], since: middle })).toEqual({
        replayed: 0,
      })
      expect(await store.replayMissing({ ...all, webhookIds: [] })).toEqual({ replayed: 0 })
      expect(await store.replayMissing({ ...all, since: middle })).toEqual({ replayed: 1 })
      expect((await claimOne(store, 'new')).webhookId).toBe(late)
      expect(await store.replayMissing({ ...all, webhookIds: [early, late] })).toEqual({ replayed: 1 })
      expect((await claimOne(store, 'new')).webhookId).toBe(early)
    })

    test('makes deliveries that keep the order of their credential', async () => {
      const store = await open()
      const acs_credential_id = randomUUID()
      const requests = Array.from({ length: 2 }, () =>
        acceptance({ event: judged(JSON.stringify(credentialEvent({ acs_credential_id }))) }),
      )
      await acceptEach(store, requests)
      await store.replayMissing(all)
      const want = wanting('new', { limit: 10, ordered: true })
      expect((await store.claim([want])).deliveries).toMatchObject([{ webhookId: requests[0]?.webhookId }])
    })
  })
}

/** Two events for the hook, the one accepted before the moment and the other at it or after. */
async function openAroundAMoment(
  open: () => Promise<Store>,
  hook: string,
): Promise<{ store: Store; requests: AcceptRequest[]; middle: number }> {
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
