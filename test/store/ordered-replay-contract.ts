import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ReplayScope, ReplayStep } from '../../src/store/replay-jobs.ts'
import type { AcceptRequest, ClaimedDelivery } from '../../src/store/store.ts'
import { until } from '../support/until.ts'
import {
  SHORT_LEASE_MS,
  acceptEach,
  acceptanceAbout,
  beginReplay,
  claim,
  dead,
  pendingFor,
  settleOne,
  stepToEnd,
  wanting,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

const DELIVERED = { state: 'delivered' } as const
/** What puts back the earlier events, and what makes deliveries of them. */
const SCOPES: [string, ReplayScope][] = [
  ['what was given up', { hook: 'a' }],
  ['what is missing', { hook: 'a', missing: { events: ['*'], workspaces: null } }],
]

/** At an ordered hook, while a later event of the same credential is under way. */
export function describeOrderedReplay(name: string, open: () => Promise<ReadableStore>): void {
  /** So many earlier events of a credential, to be replayed, and a later one that is leased with some more in line behind it. */
  async function openWithOneUnderWay(
    scope: ReplayScope,
    { earlier = 1, behind = 1, leaseMs = 600_000 } = {},
  ) {
    const store = await open()
    const credential = randomUUID()
    const hooks = 'missing' in scope ? [] : ['a']
    const first = await acceptEach(store, about(credential, earlier, hooks))
    for (let n = 0; n < earlier && hooks.length > 0; n++) {
      const [delivery] = await claimInOrder(store)
      await settleOne(store, delivery as ClaimedDelivery, dead(1))
    }
    const later = await acceptEach(store, about(credential, 1 + behind, ['a']))
    const [underWay, ...more] = await claimInOrder(store, leaseMs)
    expect(underWay?.webhookId).toBe(later[0]?.webhookId)
    expect(more).toEqual([])
    const { id } = await beginReplay(store, scope)
    const step = (orderedHooks = ['a']): Promise<ReplayStep> =>
      store.stepReplay({ id, limit: 50, pauseMs: 0, orderedHooks })
    return { store, id, first, later, underWay: underWay as ClaimedDelivery, step }
  }

  describe(`${name}: replay at an ordered hook`, () => {
    test.each(SCOPES)(
      'of %s waits until the later one has ended, and comes before the next',
      async (_, scope) => {
        for (const next of [DELIVERED, dead(1)]) {
          const { store, id, first, later, underWay, step } = await openWithOneUnderWay(scope, { earlier: 2 })
          expect(await step()).toMatchObject({ replayed: 1, isFirst: true, isLast: false })
          for (let n = 0; n < 3; n++) {
            expect(await step()).toMatchObject({
              replayed: 0,
              changesDue: false,
              isFirst: false,
              isLast: false,
            })
            expect(await claimInOrder(store)).toEqual([])
          }
          expect(await settleOne(store, underWay, next)).toBe('settled')
          // Nothing of the credential overtakes it in between, however many are in line.
          expect(await claimInOrder(store)).toEqual([])
          const released = await step()
          expect(released).toMatchObject({ changesDue: true, isFirst: false })
          const rest = released.isLast ? 0 : await stepToEnd(store, id, 50, ['a'])
          expect(released.replayed + rest).toBe(next === DELIVERED || 'missing' in scope ? 1 : 2)
          const again = next === DELIVERED || 'missing' in scope ? [] : later.slice(0, 1)
          expect(await deliverAll(store)).toEqual(idsOf([...first, ...again, ...later.slice(1)]))
        }
      },
    )

    test.each(SCOPES)('of %s comes before the later one that waits for its retry', async (_, scope) => {
      const { store, id, first, later, underWay, step } = await openWithOneUnderWay(scope)
      await step()
      await settleOne(store, underWay, pendingFor(0))
      expect(await claimInOrder(store)).toEqual([])
      await stepToEnd(store, id, 50, ['a'])
      expect(await deliverAll(store)).toEqual(idsOf([...first, ...later]))
    })

    test.each(SCOPES)('of %s is not held up by a lease that has run out', async (_, scope) => {
      const { store, id, first, later } = await openWithOneUnderWay(scope, { leaseMs: SHORT_LEASE_MS })
      await stepToEnd(store, id, 50, ['a'])
      const [delivery] = await until('the first to be due', async () => {
        const given = await claimInOrder(store)
        return given.length > 0 ? given : undefined
      })
      expect(idsOf([delivery as ClaimedDelivery])).toEqual(idsOf(first))
      expect(await claimInOrder(store)).toEqual([])
      await settleOne(store, delivery as ClaimedDelivery, DELIVERED)
      expect(await deliverAll(store)).toEqual(idsOf(later))
    })

    test.each(SCOPES)(
      'of %s that was cancelled goes on at the latest when that lease ends',
      async (_, scope) => {
        const { store, id, first, later, step } = await openWithOneUnderWay(scope, { leaseMs: 200 })
        await step()
        await store.endReplay({ id, state: 'cancelled' })
        const given: string[] = []
        await until('all to be delivered', async () => {
          given.push(...(await deliverAll(store)))
          return given.length === 3
        })
        expect(given).toEqual(idsOf([...first, ...later]))
      },
    )

    test('waits too where it comes before one that another replay has left waiting', async () => {
      const { store, id, first, step } = await openWithOneUnderWay(
        { hook: 'a' },
        { earlier: 2, leaseMs: 600_000 },
      )
      await store.endReplay({ id, state: 'cancelled' })
      for (const request of first.toReversed()) {
        const again = await beginReplay(store, { hook: 'a', webhookIds: [request.webhookId] })
        const put = await store.stepReplay({ id: again.id, limit: 50, pauseMs: 0, orderedHooks: ['a'] })
        expect(put.replayed).toBe(1)
        await store.endReplay({ id: again.id, state: 'cancelled' })
      }
      expect(await step()).toMatchObject({ replayed: 0 })
      expect(await claimInOrder(store)).toEqual([])
    })

    test.each(SCOPES)('of %s goes on for other hooks, which are not ordered', async (_, scope) => {
      const { store, first, step } = await openWithOneUnderWay(scope, { earlier: 3 })
      expect(await step(['b'])).toMatchObject({ replayed: 3 })
      const given = await claim(store, ['a'])
      expect(idsOf(given)).toEqual(expect.arrayContaining(idsOf(first)))
    })

    test('waits for no other credential', async () => {
      const { store, first, underWay, step } = await openWithOneUnderWay({ hook: 'a' })
      await settleOne(store, underWay, DELIVERED)
      await deliverAll(store)
      await acceptEach(store, about(randomUUID(), 1, ['a']))
      expect(await claimInOrder(store)).toHaveLength(1)
      expect((await step()).replayed).toBe(1)
      expect(idsOf(await claimInOrder(store))).toEqual(idsOf(first))
    })

    test('puts many back behind the one that waited, and all go in order', async () => {
      const { store, id, first, later, underWay, step } = await openWithOneUnderWay(
        { hook: 'a' },
        { earlier: 60, behind: 40 },
      )
      expect((await step()).replayed).toBe(1)
      await settleOne(store, underWay, DELIVERED)
      expect(await stepToEnd(store, id, 50, ['a'])).toBe(59)
      expect(await deliverAll(store)).toEqual(idsOf([...first, ...later.slice(1)]))
    })
  })
}

function about(credentialId: string, count: number, hooks: string[]): AcceptRequest[] {
  return Array.from({ length: count }, () => acceptanceAbout(credentialId, hooks))
}

function idsOf(given: readonly { webhookId: string }[]): string[] {
  return given.map(({ webhookId }) => webhookId)
}

async function claimInOrder(store: ReadableStore, leaseMs?: number): Promise<ClaimedDelivery[]> {
  const want = wanting('a', { limit: 100, ordered: true, ...(leaseMs === undefined ? {} : { leaseMs }) })
  return (await store.claim([want])).deliveries
}

/** One after the other, as long as something is due; never two at once. */
async function deliverAll(store: ReadableStore): Promise<string[]> {
  const given: string[] = []
  for (;;) {
    const [delivery, more] = await claimInOrder(store)
    if (delivery === undefined) return given
    expect(more).toBeUndefined()
    given.push(delivery.webhookId)
    await settleOne(store, delivery, DELIVERED)
  }
}
