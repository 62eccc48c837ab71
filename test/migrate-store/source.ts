import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'vitest'
import type {
  AcceptRequest,
  AttemptRecord,
  ClaimedDelivery,
  NextState,
  Store,
} from '../../src/store/store.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptEach,
  acceptance,
  acceptanceAbout,
  changedContent,
  claim,
  claimOne,
  settleAll,
  settleOne,
  wanting,
  replay,
} from '../store/asking.ts'
import type { ReadableStore } from '../store/asking.ts'
import { open } from '../store/store-file.ts'
import { scratchFolder } from '../support/scratch.ts'
import { inFile } from './rows.ts'

/**
 * A file with something of every sort that a store can hold. The event with the highest number has been deleted, so
 * that the number itself has to be carried.
 */
export async function sourceOfAllSorts() {
  const pruned = [acceptance({ hooks: ['delivered'] }), acceptance()]
  const dead = acceptance({ hooks: ['delivered', 'dead'] })
  const [now, later, leased, replayed] = [
    acceptance({ hooks: ['now'] }),
    acceptance({ hooks: ['later'] }),
    acceptance({ hooks: ['leased'] }),
    acceptance({ hooks: ['now'] }),
  ]
  const credentialId = randomUUID()
  const inOrder = [1, 2, 3].map(() => acceptanceAbout(credentialId, ['in-order']))
  const sample = sampleFor('now')
  const path = await sourceWith(async (store) => {
    await acceptEach(store, pruned)
    await settleAll(store, 'delivered', { state: 'delivered' })
    await aLaterTime()
    expect(await store.prune({ payloadAgeMs: 0, dedupAgeMs: LONG_MS, limit: 10 })).toMatchObject({
      pruned: 2,
    })

    await acceptEach(store, [dead, later, leased, replayed, ...inOrder, sample])
    await attempt(store, 'delivered', { state: 'delivered' }, { status: 204, errorCode: null, answer: null })
    await attempt(store, 'dead', { state: 'pending', delayMs: 0, failures: 1 }, { errorCode: 'timeout' })
    await attempt(
      store,
      'dead',
      { state: 'dead', failures: 2 },
      { status: 410, answer: Buffer.from([0, 1, 255]) },
    )
    const inTenMinutes = { state: 'pending', delayMs: LONG_MS, failures: 1 } as const
    await attempt(store, 'later', inTenMinutes, { status: 503, answer: Buffer.from('away, "for\\ now"') })
    await claimOne(store, 'leased')
    expect(await claimInOrder(store)).toHaveLength(1)
    const [first] = await claim(store, ['now'], { limit: 1 })
    await settleOne(store, first as ClaimedDelivery, { state: 'dead', failures: 1 })
    await replay(store, { webhookIds: [replayed.webhookId] })
    await acceptEach(store, [now, now, now])
    await store.accept(changedContent(now))
    await acceptAside(store)
    await keepForPeople(store)
    await store.accept(acceptance())
  })
  const lastSeq = inFile(path, (db) => {
    const { seq } = db.prepare('select max(seq) as seq from events').get() as { seq: number }
    db.exec(`delete from events where seq = ${seq}; delete from event_ids where seq = ${seq}`)
    return seq
  })
  const requests = [...pruned, dead, now, later, leased, replayed, ...inOrder, sample]
  return { path, requests, inOrder, dead, lastSeq }
}

/** A sample, as the console of Seam sends it: it is stored under the id of its message. */
function sampleFor(hook: string): AcceptRequest {
  const request = acceptance({ hooks: [hook] })
  return { ...request, webhookId: request.messageId, event: { ...request.event, isSample: true } }
}

async function keepForPeople(store: Store): Promise<void> {
  const counts = [
    { kind: 'accepted', hook: '', code: '', count: 12 },
    { kind: 'latency', hook: 'now', code: '250', count: 3 },
  ] as const
  const item = { kind: 'accepted', at: 1, id: 'an-event', eventType: null, hook: null, code: null } as const
  await store.record({ counts, activity: [item], skipped: 1 })
  const about = { would_replay: 2, text: 'is "not" \u0000 UTF-8 \ud800' }
  for (const target of ['now', 'later'])
    await store.recordAction({ actor: 'operator', action: 'pause', target, about })
  await store.pauseHook({ hook: 'later', pausedBy: 'operator', reason: 'they, "move"\\ now' })
  await reconcileSome(store)
}

/** A workspace that was compared, with what was missed there. */
async function reconcileSome(store: Store): Promise<void> {
  const lease = await store.takeReconciling({ holder: 'a', leaseMs: 1000 })
  if (!lease.isHeld) throw new Error('the lease is not free')
  const { token } = lease
  await store.enterReconciled({ token, workspaceId: 'w', keyPrint: 'print' })
  const [oldestAt, newestAt] = [1_700_000_000_000, 1_700_000_000_001]
  await store.recordReconciled({
    token,
    workspaceId: 'w',
    confirmedUntil: newestAt + 1,
    checked: 3,
    missed: 2,
    recovered: 1,
    oldestAt,
    newestAt,
    failureCode: 'timeout',
    findings: [
      {
        id: 'f',
        kind: 'missed',
        since: oldestAt,
        until: newestAt,
        missed: 2,
        recovered: 1,
        eventIds: ['"e"'],
      },
    ],
  })
}

async function acceptAside(store: Store): Promise<void> {
  const bytes = Buffer.concat([Buffer.from([0, 255, 0, 92, 34]), randomBytes(300)])
  const twice = {
    messageId: 'msg_twice',
    bytes,
    problems: [{ path: '', message: 'is "not" \u0000 UTF-8 \ud800' }],
  }
  await store.quarantine(twice)
  await store.quarantine(twice)
  await store.quarantine({ messageId: 'msg_empty', bytes: Buffer.alloc(0), problems: [] })
}

async function attempt(
  store: Store,
  hook: string,
  next: NextState,
  record: Partial<AttemptRecord>,
): Promise<void> {
  const { eventSeq, leaseToken } = await claimOne(store, hook)
  const base = { durationMs: 12, status: null, errorCode: 'http_status', answer: null }
  await store.settle([{ eventSeq, hook, leaseToken, record: { ...base, ...record }, next }])
}

/** What the ordered hook of `sourceOfAllSorts` has due. */
export async function claimInOrder(store: Store): Promise<ClaimedDelivery[]> {
  const want = wanting('in-order', { limit: 10, ordered: true })
  return (await store.claim([want])).deliveries
}

/** The path of a file that a store has written and closed. */
export async function sourceWith(write: (store: ReadableStore) => Promise<unknown>): Promise<string> {
  const path = join(scratchFolder(), 'relay.db')
  const store = await openSqlite(path)
  try {
    await write(store)
  } finally {
    await store.reader.close()
    await store.close()
  }
  return path
}

export function openSqlite(path: string): Promise<ReadableStore> {
  return open(path, { lockWaitMs: 0 })
}
