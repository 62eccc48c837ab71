import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreError } from '../../src/store/store.ts'
import type { AcceptRequest, ClaimedDelivery, PruneCursor, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { ManualClock, ShiftedClock } from '../support/manual-clock.ts'
import { scratchFolder } from '../support/scratch.ts'
import {
  aLaterTime,
  acceptEach,
  acceptance,
  acceptanceAbout,
  claim,
  claimOne,
  pendingFor,
  settleAll,
  settleOne,
  wanting,
} from './asking.ts'
import { NUMBERED_ON, attemptEach, fillEveryState, withoutTokens } from './every-state.ts'
import { describeStoreContract } from './store-contract.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describeStoreContract('the SQLite store', () => open(newPath()))

test('a store is made where it is not there, folders and all', async () => {
  const path = join(scratchFolder(), 'a', 'b', 'relay.db')
  await open(path)
  expect(existsSync(path)).toBe(true)
})

test('a file that is opened again holds all that it held', async () => {
  const path = newPath()
  const first = await open(path)
  const delivered = acceptance({ hooks: ['delivered'] })
  const requests = [
    delivered,
    acceptance({ hooks: ['dead'] }),
    acceptance({ hooks: ['later', 'now'] }),
    acceptance(),
  ]
  for (const request of requests) await first.accept(request)
  await settleOne(first, await claimOne(first, 'delivered'), { state: 'delivered' })
  await settleOne(first, await claimOne(first, 'dead'), { state: 'dead', failures: 4 })
  const put = { state: 'pending', delayMs: 600_000, failures: 2 } as const
  await settleOne(first, await claimOne(first, 'later'), put)
  await settleOne(first, await claimOne(first, 'now'), { ...put, delayMs: 0 })
  const aside = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [] }
  const { quarantineId } = await first.quarantine(aside)
  await first.close()

  const second = await open(path)
  for (const request of requests) expect(await second.accept(request)).toEqual({ outcome: 'duplicate' })
  expect(await second.quarantine(aside)).toEqual({ quarantineId })
  expect(await claim(second, ['delivered', 'dead', 'later'])).toEqual([])
  const now = await claimOne(second, 'now')
  expect(now).toMatchObject({ attempt: 2, failures: 2, body: requests[2]?.event.body })
  const seqs = read(path, 'select seq from events order by seq').map(({ seq }) => seq)
  await second.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(second, 'new')).eventSeq).toBeGreaterThan(Math.max(...(seqs as number[])))
})

test('a lease does not outlast whoever held it: after a restart the delivery is due at once', async () => {
  const path = newPath()
  const first = await open(path)
  await first.accept(acceptance({ hooks: ['a'] }))
  const lost = await claimOne(first, 'a', 600_000)
  await first.close()

  const second = await open(path)
  expect(await settleOne(second, lost, { state: 'delivered' })).toBe('lease_lost')
  const again = await claimOne(second, 'a')
  expect(again).toMatchObject({ eventSeq: lost.eventSeq, attempt: 2, failures: 0 })
  expect(again.leaseToken).toBeGreaterThan(lost.leaseToken + 1)
  expect(await settleOne(second, again, { state: 'delivered' })).toBe('settled')
})

test('duplicates and bodies that come again are counted', async () => {
  const path = newPath()
  const store = await open(path)
  const request = acceptance()
  const aside = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [{ path: '', message: 'x' }] }
  for (let n = 0; n < 3; n++) {
    await store.accept(request)
    await store.quarantine(aside)
  }
  await store.close()
  expect(read(path, 'select duplicates from event_ids')).toEqual([{ duplicates: 2 }])
  expect(read(path, 'select times_seen, problems, body from quarantine')).toEqual([
    { times_seen: 3, problems: JSON.stringify(aside.problems), body: new Uint8Array([0xff]) },
  ])
})

test('a call that cannot be stored is refused, and those of its group are not its victims', async () => {
  const commits: number[] = []
  const store = await open(newPath(), { onCommit: ({ calls }) => commits.push(calls) })
  // One hook twice is what the table of deliveries does not take.
  const impossible = acceptance({ hooks: ['a', 'a'] })
  const requests = [
    acceptance({ hooks: ['a'] }),
    acceptance({ hooks: ['a'] }),
    impossible,
    acceptance({ hooks: ['a'] }),
  ]
  const results = await Promise.allSettled(requests.map((request) => store.accept(request)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  const refusal: unknown = results[2]?.status === 'rejected' ? results[2].reason : null
  expect(refusal).toBeInstanceOf(StoreError)
  expect(refusal).toMatchObject({ code: 'store_failing' })
  // The impossible one did not come alone: fewer commits than calls were asked for.
  expect(commits.length).toBeLessThan(requests.length)
  expect(await claim(store, ['a'])).toHaveLength(3)
  // Nothing of it is left behind: it is not known, and can be asked for again.
  expect(await store.accept({ ...impossible, deliveries: [{ hook: 'a' }] })).toMatchObject({
    outcome: 'accepted',
  })
})

test('calls that come while one is being committed share the next commits, of a bounded size', async () => {
  const commits: number[] = []
  const store = await open(newPath(), { onCommit: ({ calls }) => commits.push(calls) })
  await Promise.all(Array.from({ length: 1000 }, () => store.accept(acceptance())))
  expect(commits.reduce((sum, calls) => sum + calls, 0)).toBe(1000)
  expect(commits.length).toBeLessThan(5)
  expect(Math.max(...commits)).toBe(512)
})

test('more calls than a working disk would leave waiting are refused, and the others stored', async () => {
  const store = await open(newPath())
  const ids = Array.from({ length: 11_000 }, (_, n) => `msg_${n}`)
  const ask = (messageId: string) => store.quarantine({ messageId, bytes: Buffer.from('x'), problems: [] })
  const results = await Promise.allSettled(ids.map(ask))
  const reasons = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  expect(reasons.length).toBeGreaterThan(0)
  expect(reasons.every((reason) => reason instanceof StoreError && reason.code === 'store_overloaded')).toBe(
    true,
  )
  const stored = results.flatMap((result) =>
    result.status === 'fulfilled' ? [result.value.quarantineId] : [],
  )
  expect(stored.length).toBeGreaterThanOrEqual(10_000)
  expect(new Set(stored).size).toBe(stored.length)
  await ask('one more')
})

test('a file that a newer version wrote is refused, and left as it is', async () => {
  const path = newPath()
  await (await open(path)).close()
  const known = read(path, 'pragma user_version')[0]?.['user_version'] as number
  setVersion(path, 999)
  const before = readFileSync(path)
  const error = await refusalOf(path)
  expect(error).toMatchObject({ code: 'schema_unknown' })
  expect(error.message).toContain(path)
  expect(error.message).toMatch(/newer seam-relay .*schema 999/)
  expect(readFileSync(path).equals(before)).toBe(true)
  setVersion(path, known)
  await open(path)
})

test.each([0, 1, 999])(
  'the database of another program, at its version %d, is refused and not changed by a byte',
  async (version) => {
    const path = newPath()
    const other = new DatabaseSync(path)
    other.exec(
      `create table notes (text); insert into notes values ('mine'); pragma user_version = ${version}`,
    )
    other.close()
    const before = readFileSync(path)
    const error = await refusalOf(path)
    expect(error).toMatchObject({ code: 'schema_unknown' })
    expect(error.message).toContain(path)
    expect(error.message).toMatch(/another program's database/)
    expect(readFileSync(path).equals(before)).toBe(true)
  },
)

test('a file of the first schema is brought up to date, with the order of what it holds', async () => {
  const path = newPath()
  const first = await open(path)
  const credential = randomUUID()
  const requests = await acceptEach(first, [acceptanceAbout(credential), acceptanceAbout(credential)])
  await first.close()
  change(
    path,
    `drop index deliveries_order; drop index deliveries_dead; drop index events_accepted;
     alter table deliveries drop column order_key; alter table deliveries drop column replays;
     alter table deliveries drop column lease_token; alter table attempts drop column lease_token;
     pragma user_version = 1`,
  )

  const second = await open(path)
  expect(await claimInOrder(second)).toMatchObject([{ webhookId: requests[0]?.webhookId }])
  expect(await claimInOrder(second)).toEqual([])
  expect(await second.deliveriesOf(requests[1]?.webhookId as string)).toMatchObject([{ replays: 0 }])
})

test('a file of the schema before leases had tokens keeps its history and numbers its attempts on', async () => {
  const path = newPath()
  const first = await open(path)
  const requests = await fillEveryState(first)
  await first.close()
  change(path, `${withoutTokens('')} pragma user_version = 2`)
  expect(await attemptEach(await open(path), requests)).toEqual(NUMBERED_ON)
})

test('what is held behind an earlier one is still held after a restart', async () => {
  const path = newPath()
  const first = await open(path)
  const credential = randomUUID()
  const requests = [1, 2, 3].map(() => acceptanceAbout(credential))
  await acceptEach(first, requests)
  await claimInOrder(first)
  expect(await claimInOrder(first)).toEqual([])
  await first.close()

  const second = await open(path)
  for (const { webhookId } of requests) {
    const [delivery, more] = await claimInOrder(second)
    expect(delivery?.webhookId).toBe(webhookId)
    expect(more).toBeUndefined()
    await settleOne(second, delivery as ClaimedDelivery, { state: 'delivered' })
  }
})

test('events and ids go when they are past their ages, each its own', async () => {
  const path = newPath()
  const store = await open(path)
  const requests = await acceptEach(
    store,
    Array.from({ length: 4 }, () => acceptance()),
  )
  const ages = [4000, 3000, 2000, 1000].map((seconds) => seconds * 1000)
  for (const [index, ageMs] of ages.entries()) {
    const at = Date.now() - ageMs
    change(path, `update events set accepted_at = ${at} where seq = ${index + 1}`)
    change(path, `update event_ids set accepted_at = ${at} where seq = ${index + 1}`)
  }
  const step = await store.prune({ payloadAgeMs: 1_500_000, dedupAgeMs: 2_500_000, limit: 100 })
  expect(step).toEqual({ pruned: 3, forgotten: 2, next: null })
  expect(read(path, 'select seq from events')).toEqual([{ seq: 4 }])
  expect(read(path, 'select seq from event_ids order by seq')).toEqual([{ seq: 3 }, { seq: 4 }])
  expect(await store.accept(requests[2] as AcceptRequest)).toEqual({ outcome: 'duplicate' })
})

test('a clock that was wrong for a moment does not end the forgetting', async () => {
  const path = newPath()
  const store = await open(path)
  await acceptEach(
    store,
    Array.from({ length: 6 }, () => acceptance()),
  )
  change(path, `update events set accepted_at = ${Date.now() + 1e12} where seq in (1, 2)`)
  await aLaterTime()
  const first = await store.prune({ payloadAgeMs: 0, dedupAgeMs: 600_000, limit: 4 })
  expect(first.pruned).toBe(2)
  const after = first.next as PruneCursor
  const second = await store.prune({ payloadAgeMs: 0, dedupAgeMs: 600_000, limit: 4, after })
  expect(second).toMatchObject({ pruned: 2, next: null })
})

test('what is forgotten leaves room for what comes: the file shrinks, and does not grow from filling to filling', async () => {
  const path = newPath()
  await fill(path, 20_000)
  const full = statSync(path).size
  const store = await open(path)
  await aLaterTime()
  let pruned = 0
  let after: PruneCursor | null = null
  do {
    const request = { payloadAgeMs: 0, dedupAgeMs: 600_000, limit: 200 }
    const step = await store.prune(after === null ? request : { ...request, after })
    pruned += step.pruned
    after = step.next
  } while (after !== null)
  await store.close()
  expect(pruned).toBe(20_000)
  expect(
    read(path, 'select count(*) as left from deliveries union all select count(*) from attempts'),
  ).toEqual([{ left: 0 }, { left: 0 }])
  expect(statSync(path).size).toBeLessThan(0.8 * full)
  await fill(path, 20_000)
  expect(statSync(path).size).toBeLessThan(1.2 * full)
})

test.each([4 * DAY_MS, -HOUR_MS])(
  'a wall clock that jumps by %d ms makes nothing due early or late and changes no age',
  async (jumpMs) => {
    const clock = new ShiftedClock()
    const store = await open(newPath(), { clock })
    for (const hook of ['later', 'soon', 'leased', 'now']) await store.accept(acceptance({ hooks: [hook] }))
    await settleOne(store, await claimOne(store, 'later'), pendingFor(2 * HOUR_MS))
    await settleOne(store, await claimOne(store, 'soon'), pendingFor(HOUR_MS / 2))
    await claimOne(store, 'leased', 2 * HOUR_MS)

    clock.jumpWall(jumpMs)
    const hooks = ['later', 'soon', 'leased']
    expect(await claim(store, hooks)).toEqual([])
    const { nextDueInMs } = await store.claim(hooks.map((hook) => wanting(hook)))
    expect(Math.ceil((nextDueInMs as number) / HOUR_MS)).toBe(1)
    const now = await claimOne(store, 'now')
    expect(now.ageMs).toBeLessThan(HOUR_MS)
    await settleOne(store, now, { state: 'delivered' })
    for (const { oldestPendingAgeMs } of await store.stats()) expect(oldestPendingAgeMs).toBeLessThan(HOUR_MS)
    const passed = await store.prune({ payloadAgeMs: DAY_MS, dedupAgeMs: DAY_MS, limit: 100 })
    expect(passed).toMatchObject({ pruned: 0, forgotten: 0 })

    clock.skip(HOUR_MS)
    expect(await claim(store, hooks)).toMatchObject([{ hook: 'soon', ageMs: expect.closeTo(HOUR_MS, -5) }])
  },
)

test('while a commit hangs, nobody waits without bound, neither now nor later, and then all is well', async () => {
  const path = newPath()
  const clock = new ManualClock()
  const store = await open(path, { clock })
  const other = new DatabaseSync(path)
  try {
    other.exec('begin immediate')
    for (let n = 0; n < 3; n++) {
      const asked = store.accept(acceptance())
      // The call is with the thread, or waits behind the one that is.
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(10_000)
      await expect(asked).rejects.toMatchObject({ code: 'store_overloaded' })
    }
  } finally {
    other.exec('rollback')
    other.close()
  }
  expect(await store.accept(acceptance({ hooks: ['a'] }))).toMatchObject({ outcome: 'accepted' })
  expect(await claim(store, ['a'])).toHaveLength(1)
})

test('a file that is no database is refused by name', async () => {
  const path = newPath()
  writeFileSync(
    path,
    'No database at all, but a text that is long enough not to be taken for an empty one. '.repeat(20),
  )
  expect((await refusalOf(path)).message).toMatch(new RegExp(`^${path}: .*not a database`))
})

test('a file that is in use is refused, and can be opened when it has been let go', async () => {
  const path = newPath()
  const first = await open(path)
  await first.accept(acceptance({ hooks: ['a'] }))
  const error = await refusalOf(path)
  expect(error).toMatchObject({ code: 'store_in_use' })
  expect(error.message).toContain(path)
  expect(error.message).toMatch(/another seam-relay is using this store/)
  await first.check()
  await first.close()
  expect(await claim(await open(path), ['a'])).toHaveLength(1)
})

test('a file that is in use is waited for', async () => {
  const path = newPath()
  const first = await open(path)
  const opening = open(path, { lockWaitMs: 20_000 })
  await first.check()
  await first.close()
  await expect((await opening).check()).resolves.toBeUndefined()
})

test('a file can be read by another program while it is in use', async () => {
  const path = newPath()
  const store = await open(path)
  await store.accept(acceptance())
  expect(read(path, 'select count(*) as events from events')).toEqual([{ events: 1 }])
  await store.check()
})

function newPath(): string {
  return join(scratchFolder(), 'relay.db')
}

async function open(path: string, options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path, lockWaitMs: 20, clock: systemClock, ...options })
  onTestFinished(() => store.close())
  return store
}

async function refusalOf(path: string): Promise<Error> {
  const [result] = await Promise.allSettled([open(path)])
  if (result.status === 'fulfilled') throw new Error('the file was opened')
  return result.reason as Error
}

function read(path: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    db.close()
  }
}

function setVersion(path: string, version: number): void {
  change(path, `pragma user_version = ${version}`)
}

/** Changes the file behind the store's back. */
function change(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

/** Takes so many events in, delivers them, and lets go of the file. */
async function fill(path: string, count: number): Promise<void> {
  const store = await open(path)
  for (let n = 0; n < count; n += 500) {
    await Promise.all(Array.from({ length: 500 }, () => store.accept(acceptance({ hooks: ['a'] }))))
    await settleAll(store, 'a', { state: 'delivered' })
  }
  await store.close()
}

async function claimInOrder(store: Store): Promise<ClaimedDelivery[]> {
  return (await store.claim([wanting('a', { limit: 100, ordered: true })])).deliveries
}
