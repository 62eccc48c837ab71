import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FINDINGS_KEPT_MS, rowIdOfKey } from '../../src/store/reconciliations.ts'
import type { ReconciledWindow, ReconciliationFinding } from '../../src/store/reconciliations.ts'
import type { Store } from '../../src/store/store.ts'
import { fingerprintOf } from '../../src/store/fingerprint.ts'
import { acceptance, claim, replay } from './asking.ts'
import type { ReadableStore } from './asking.ts'

const LEASE_MS = 60_000
const NOON = Date.parse('2026-03-01T12:00:00.000Z')

/** How far Seam's own list of events has been compared with what is stored. */
export function describeReconciliations(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: reconciliations`, () => {
    test('which events are known is told in the order of the question, and nothing is counted', async () => {
      const store = await open()
      const known = acceptance()
      await store.accept(known)
      const asked = [randomUUID(), known.dedupKey, randomUUID(), known.dedupKey]
      expect(await store.knownHashes(asked)).toEqual([
        null,
        known.event.contentHash,
        null,
        known.event.contentHash,
      ])
      expect(await store.knownHashes([])).toEqual([])
      expect(await store.knownHashes(Array.from({ length: 500 }, () => randomUUID()))).toHaveLength(500)
    })

    test('which bodies are in quarantine is told in the order of the question', async () => {
      const store = await open()
      const body = { messageId: 'msg_1', bytes: Buffer.from('[]') }
      await store.quarantine({ ...body, problems: [] })
      const others = [{ ...body, messageId: 'msg_2' }, body].map(fingerprintOf)
      expect(await store.areQuarantined(others)).toEqual([false, true])
    })

    test('what is too old for its hook is kept dead with its code, given to nobody, and replayed on request', async () => {
      const store = await open()
      const request = acceptance()
      const deliveries = [{ hook: 'old', isTooOld: true, leaseMs: 1000 }, { hook: 'patient' }]
      expect(await store.accept({ ...request, deliveries })).toMatchObject({ outcome: 'accepted' })
      expect(await claim(store, ['old', 'patient'])).toMatchObject([
        { hook: 'patient', ageMs: expect.any(Number) },
      ])
      const histories = await store.reader.deliveriesOf(request.dedupKey)
      const old = histories.find(({ hook }) => hook === 'old')
      expect(old).toMatchObject({ state: 'dead', endedCode: 'too_old', failures: 0, records: [] })
      expect(await replay(store, { hook: 'old', code: 'too_old' })).toEqual({ replayed: 1 })
      expect(await claim(store, ['old'])).toMatchObject([{ hook: 'old', failures: 0 }])
    })

    test('a holder keeps its token, and every other one that takes over gets a higher one', async () => {
      const store = await open()
      const first = await take(store, 'a')
      expect(await take(store, 'a')).toBe(first)
      await store.leaveReconciling({ holder: 'a' })
      const second = await take(store, 'b')
      expect(second).toBeGreaterThan(first)
      await store.leaveReconciling({ holder: 'a' })
      expect(await take(store, 'b')).toBe(second)
    })

    test('the confirmed time moves forward only', async () => {
      const { store, token } = await entered(open)
      for (const confirmedUntil of [NOON, NOON - 1000, NOON + 5]) {
        expect(await store.recordReconciled(window({ token, confirmedUntil }))).toBe(true)
      }
      await store.recordReconciled(window({ token }))
      expect(await store.reconciledWorkspaces()).toMatchObject([
        { workspaceId: 'w', confirmedUntil: NOON + 5, passedAgoMs: null, failing: null },
      ])
    })

    test('one that was paused while another took over writes nothing', async () => {
      const { store, token } = await entered(open)
      await store.leaveReconciling({ holder: 'a' })
      await take(store, 'b')
      const before = await store.reader.reconciliationState({ findingsSince: 0 })
      const late = window({ token, confirmedUntil: NOON, checked: 9, findings: [finding()], isPassEnd: true })
      expect(await store.recordReconciled(late)).toBe(false)
      expect(await store.enterReconciled({ token, workspaceId: 'other', keyPrint: 'p' })).toBe(false)
      expect(await store.reader.reconciliationState({ findingsSince: 0 })).toEqual(before)
    })

    test("a person's span is counted without a lease, and neither moves the confirmed time nor ends a failure", async () => {
      const { store, token } = await entered(open)
      await store.recordReconciled(window({ token, failureCode: 'timeout' }))
      const asked = window({ token: null, confirmedUntil: NOON, checked: 3, missed: 1, recovered: 1 })
      expect(await store.recordReconciled(asked)).toBe(true)
      const { workspaces } = await store.reader.reconciliationState({ findingsSince: 0 })
      expect(workspaces).toMatchObject([
        { checked: 3, missed: 1, recovered: 1, confirmedUntil: null, failing: { code: 'timeout' } },
      ])
    })

    test('a failure keeps the time of the first, and ends with a whole pass', async () => {
      const { store, token } = await entered(open)
      await store.recordReconciled(window({ token, failureCode: 'timeout' }))
      const [first] = await store.reconciledWorkspaces()
      await store.recordReconciled(window({ token, failureCode: 'unauthorized', confirmedUntil: NOON }))
      const [second] = await store.reconciledWorkspaces()
      expect(second?.failing).toEqual({ since: first?.failing?.since, code: 'unauthorized' })
      await store.recordReconciled(window({ token, isPassEnd: true }))
      expect(await store.reconciledWorkspaces()).toMatchObject([
        { failing: null, passedAgoMs: expect.any(Number), confirmedUntil: NOON },
      ])
    })

    test("what was kept under a key alone goes over to the key's workspace", async () => {
      const store = await open()
      const token = await take(store, 'a')
      const ofKey = rowIdOfKey('print')
      await store.enterReconciled({ token, workspaceId: ofKey, keyPrint: 'print' })
      await store.recordReconciled(window({ token, workspaceId: ofKey, failureCode: 'unauthorized' }))
      await store.enterReconciled({ token, workspaceId: 'w', keyPrint: 'print' })
      expect(await store.reconciledWorkspaces()).toMatchObject([
        { workspaceId: 'w', keyPrint: 'print', failing: { code: 'unauthorized' } },
      ])
      // A new key of a workspace that is known.
      await store.recordReconciled(window({ token, confirmedUntil: NOON }))
      await store.enterReconciled({ token, workspaceId: rowIdOfKey('new'), keyPrint: 'new' })
      await store.enterReconciled({ token, workspaceId: 'w', keyPrint: 'new' })
      expect(await store.reconciledWorkspaces()).toMatchObject([
        { workspaceId: 'w', keyPrint: 'new', confirmedUntil: NOON },
      ])
    })

    test('totals add up, and the oldest and the newest answers are kept', async () => {
      const { store, token } = await entered(open)
      const counted = { token, checked: 10, missed: 2, recovered: 1 }
      await store.recordReconciled(window({ ...counted, oldestAt: NOON, newestAt: NOON + 10 }))
      await store.recordReconciled(window({ ...counted, oldestAt: NOON - 10, newestAt: NOON }))
      await store.recordReconciled(window(counted))
      const { workspaces } = await store.reader.reconciliationState({ findingsSince: 0 })
      expect(workspaces).toMatchObject([
        { checked: 30, missed: 6, recovered: 3, oldestAnswerAt: NOON - 10, newestAnswerAt: NOON + 10 },
      ])
    })

    test('findings are listed from a time on, and one that goes on is written anew', async () => {
      const { store, token } = await entered(open)
      const first = finding({ id: 'f', missed: 1, recovered: 1, eventIds: ['e1'] })
      await store.recordReconciled(window({ token, findings: [first] }))
      const longer = { ...first, until: NOON + 60_000, missed: 2, recovered: 2, eventIds: ['e1', 'e2'] }
      const gap = finding({ id: 'g', kind: 'gap', eventIds: [] })
      await store.recordReconciled(window({ token, findings: [longer, gap] }))
      const { findings } = await store.reader.reconciliationState({ findingsSince: 0 })
      expect(findings.toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
        { ...longer, workspaceId: 'w', foundAt: expect.any(Number) },
        { ...gap, workspaceId: 'w', foundAt: expect.any(Number) },
      ])
      const later = Date.now() + FINDINGS_KEPT_MS
      expect((await store.reader.reconciliationState({ findingsSince: later })).findings).toEqual([])
    })

    test('a gap whose span was compared whole is none any more; those beside it and what was missed stay', async () => {
      const { store, token } = await entered(open)
      const inside = finding({ id: 'inside', kind: 'gap', eventIds: [] })
      const beside = { ...inside, id: 'beside', until: inside.until + 60_000 }
      const missed = finding({ id: 'missed', missed: 1, recovered: 1, eventIds: ['e1'] })
      await store.recordReconciled(window({ token, findings: [inside, beside, missed] }))
      const { since, until } = inside
      await store.recordReconciled(window({ token: null, closedGaps: { since, until } }))
      const { findings } = await store.reader.reconciliationState({ findingsSince: 0 })
      expect(findings.map(({ id }) => id).toSorted()).toEqual(['beside', 'missed'])
    })

    test('the last webhook of each workspace is told, and what reconciliation brought is none', async () => {
      const store = await open()
      const fromWebhook = acceptance()
      await store.accept(fromWebhook)
      const found = acceptance()
      const elsewhere = { ...found.event, workspaceId: randomUUID() }
      await store.accept({ ...found, source: 'reconciliation', event: elsewhere })
      const { lastWebhooks } = await store.reader.reconciliationState({ findingsSince: 0 })
      expect(lastWebhooks).toEqual([{ workspaceId: fromWebhook.event.workspaceId, at: expect.any(Number) }])
    })
  })
}

async function entered(open: () => Promise<ReadableStore>): Promise<{ store: ReadableStore; token: number }> {
  const store = await open()
  const token = await take(store, 'a')
  expect(await store.enterReconciled({ token, workspaceId: 'w', keyPrint: 'print' })).toBe(true)
  return { store, token }
}

async function take(store: Store, holder: string): Promise<number> {
  const lease = await store.takeReconciling({ holder, leaseMs: LEASE_MS })
  if (!lease.isHeld) throw new Error(`not free for ${lease.freeInMs} ms`)
  return lease.token
}

function window(rest: Partial<ReconciledWindow> & { token: number | null }): ReconciledWindow {
  const counts = { checked: 0, missed: 0, recovered: 0 }
  return { workspaceId: 'w', ...counts, oldestAt: null, newestAt: null, findings: [], ...rest }
}

function finding(rest: Partial<ReconciliationFinding> = {}): ReconciliationFinding {
  const counts = { missed: 1, recovered: 1 }
  return {
    id: randomUUID(),
    kind: 'missed',
    since: NOON,
    until: NOON,
    ...counts,
    eventIds: [randomUUID()],
    ...rest,
  }
}
