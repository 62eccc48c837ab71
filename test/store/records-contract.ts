import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ActivityItem, Count, CountRow } from '../../src/store/records.ts'
import type { ReadableStore } from './asking.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const PAUSE = { hook: 'a', pausedBy: 'operator', reason: 'they move' }

export function describeRecords(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: record and counts`, () => {
    test('what is recorded is added to the counts of this minute', async () => {
      const store = await open()
      const minute = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
      await record(store, [count('accepted', 2), count('refused', 1, { code: 'body_too_large' })])
      await record(store, [count('accepted', 3), count('delivered', 4, { hook: 'a' })])
      const rows = await store.reader.counts({
        since: minute,
        until: minute + 3 * MINUTE_MS,
        stepMs: MINUTE_MS,
      })
      expect(summed(rows)).toEqual({ accepted: 5, 'refused body_too_large': 1, 'delivered a': 4 })
      for (const { at } of rows) expect([minute, minute + MINUTE_MS]).toContain(at)
    })

    test('a key that is named twice in one call counts for both', async () => {
      const store = await open()
      await record(store, [count('failed', 1, { hook: 'a' }), count('failed', 2, { hook: 'a' })])
      expect(summed(await ofToday(store))).toEqual({ 'failed a': 3 })
    })

    test('calls at the same moment, with the keys in any order, lose nothing and hold none of them up', async () => {
      const store = await open()
      const hooks = ['a', 'b', 'c', 'd', 'e']
      const calls = Array.from({ length: 40 }, (_one, n) => {
        const turned = [...hooks.slice(n % 5), ...hooks.slice(0, n % 5)]
        return record(
          store,
          turned.map((hook) => count('delivered', 1, { hook })),
        )
      })
      await Promise.all(calls)
      expect(summed(await ofToday(store))).toEqual(
        Object.fromEntries(hooks.map((hook) => [`delivered ${hook}`, 40])),
      )
    })

    test('a step sums up its minutes and begins at since; a span without anything has no rows', async () => {
      const store = await open()
      await record(store, [count('accepted', 2)])
      const since = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 90 * MINUTE_MS
      const asked = { since, until: since + 4 * 60 * MINUTE_MS, stepMs: 60 * MINUTE_MS }
      expect(await store.reader.counts(asked)).toEqual([
        { at: since + 60 * MINUTE_MS, kind: 'accepted', hook: '', code: '', count: 2 },
      ])
      expect(await store.reader.counts({ ...asked, until: since + 60 * MINUTE_MS })).toEqual([])
    })
  })

  describe(`${name}: activity`, () => {
    test('is told after a number, in its order, with the newest number', async () => {
      const store = await open()
      expect(await store.reader.activityAfter(0, 10)).toEqual({ rows: [], newest: 0, hasGap: false })
      const before = Date.now()
      const items = [
        item({ eventType: 'acs_credential.deleted' }),
        item({ kind: 'failed', hook: 'a', code: 'timeout' }),
      ]
      await store.record({ counts: [], activity: items, skipped: 7 })
      await store.record({ counts: [], activity: [item()], skipped: 0 })
      const { rows, newest, hasGap } = await store.reader.activityAfter(0, 10)
      expect(rows.map(({ number, skipped }) => [number, skipped])).toEqual([
        [1, 7],
        [2, 0],
      ])
      expect(rows[0]?.items).toEqual(items)
      expect([newest, hasGap]).toEqual([2, false])
      expect(rows[0]?.at).toBeGreaterThan(before - 1000)
      expect(Number.isInteger(rows[0]?.at)).toBe(true)
      expect((await store.reader.activityAfter(1, 10)).rows.map(({ number }) => number)).toEqual([2])
      expect((await store.reader.activityAfter(0, 1)).rows.map(({ number }) => number)).toEqual([1])
      expect(await store.reader.activityAfter(2, 10)).toEqual({ rows: [], newest: 2, hasGap: false })
    })

    test('with -1, nothing but the newest number is told', async () => {
      const store = await open()
      await store.record({ counts: [], activity: [item()], skipped: 0 })
      expect(await store.reader.activityAfter(-1, 10)).toEqual({ rows: [], newest: 1, hasGap: false })
    })

    test('a number that the store has never come to is a gap', async () => {
      const store = await open()
      expect(await store.reader.activityAfter(5, 10)).toEqual({ rows: [], newest: 0, hasGap: true })
    })

    test('nothing to tell makes no row; what was only skipped makes one', async () => {
      const store = await open()
      await record(store, [count('accepted', 1)])
      await store.record({ counts: [], activity: [], skipped: 0 })
      await store.record({ counts: [], activity: [], skipped: 3 })
      expect((await store.reader.activityAfter(0, 10)).rows).toMatchObject([
        { number: 1, items: [], skipped: 3 },
      ])
    })
  })

  describe(`${name}: actions`, () => {
    test('are told newest first, page by page, whatever is added meanwhile', async () => {
      const store = await open()
      expect(await store.reader.listActions({ limit: 2 })).toEqual({ items: [], next: null })
      for (const target of ['a', 'b', 'c', 'd']) await act(store, target)
      const first = await store.reader.listActions({ limit: 2 })
      expect(first.items.map(({ target }) => target)).toEqual(['d', 'c'])
      await act(store, 'e')
      const second = await store.reader.listActions({ limit: 2, after: first.next as string })
      expect(second.items.map(({ target }) => target)).toEqual(['b', 'a'])
      expect(second.next).toBeNull()
    })

    test('keep who did what, to what, when, and what was said about it', async () => {
      const store = await open()
      const before = Date.now()
      const action = {
        actor: 'reader',
        action: 'replay',
        target: 'ä "b"',
        about: { would_replay: 3, scope: { codes: ['x', null] }, text: '\u0000\ud800' },
      }
      await store.recordAction(action)
      const [kept] = (await store.reader.listActions({ limit: 1 })).items
      expect(kept).toEqual({ ...action, number: 1, at: expect.any(Number) as number })
      expect(Math.abs((kept?.at as number) - before)).toBeLessThan(60_000)
    })

    test('a cursor that no page ended with leads to nothing', async () => {
      const store = await open()
      await act(store, 'a')
      for (const after of ['', 'x', '-1', '1e3', '9'.repeat(40), 'NaN']) {
        expect(await store.reader.listActions({ limit: 2, after })).toEqual({ items: [], next: null })
      }
    })

    test('are numbered one after the other, however many are written at once', async () => {
      const store = await open()
      await Promise.all(Array.from({ length: 20 }, (_one, n) => act(store, String(n))))
      const { items } = await store.reader.listActions({ limit: 50 })
      expect(items.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_one, n) => 20 - n))
    })
  })

  describe(`${name}: pauses`, () => {
    test('a pause is told to the store and to the reader until it is ended', async () => {
      const store = await open()
      expect(await store.pausedHooks()).toEqual([])
      const pause = await store.pauseHook(PAUSE)
      expect(pause).toEqual({ ...PAUSE, pausedAt: expect.any(Number) as number })
      expect(Math.abs(pause.pausedAt - Date.now())).toBeLessThan(60_000)
      await store.pauseHook({ ...PAUSE, hook: 'B' })
      expect((await store.pausedHooks()).map(({ hook }) => hook)).toEqual(['B', 'a'])
      expect(await store.reader.pauses()).toEqual(await store.pausedHooks())
      expect(await store.resumeHook('a')).toBe(true)
      expect(await store.resumeHook('a')).toBe(false)
      expect((await store.reader.pauses()).map(({ hook }) => hook)).toEqual(['B'])
    })

    test('a hook that is paused already stays so with its first reason', async () => {
      const store = await open()
      const first = await store.pauseHook(PAUSE)
      expect(await store.pauseHook({ hook: 'a', pausedBy: 'loopback', reason: 'another' })).toEqual(first)
      expect(await store.pausedHooks()).toEqual([first])
    })
  })

  describe(`${name}: dropQuarantined`, () => {
    test('deletes the one body of this id, once', async () => {
      const store = await open()
      const aside = { messageId: 'msg_1', bytes: Buffer.from('x'), problems: [] }
      const { quarantineId } = await store.quarantine(aside)
      await store.quarantine({ ...aside, messageId: 'msg_2' })
      expect(await store.dropQuarantined(randomUUID())).toBe(false)
      expect(await store.dropQuarantined("' or true --")).toBe(false)
      expect(await store.dropQuarantined(quarantineId)).toBe(true)
      expect(await store.dropQuarantined(quarantineId)).toBe(false)
      expect((await store.reader.quarantineStats()).open).toBe(1)
    })

    test('the same body that comes again is set aside anew', async () => {
      const store = await open()
      const aside = { messageId: 'msg_1', bytes: Buffer.from('x'), problems: [] }
      const first = await store.quarantine(aside)
      await store.dropQuarantined(first.quarantineId)
      const second = await store.quarantine(aside)
      expect(second.quarantineId).not.toBe(first.quarantineId)
      expect((await store.reader.quarantineStats()).open).toBe(1)
    })
  })
}

function record(store: ReadableStore, counts: Count[]): Promise<void> {
  return store.record({ counts, activity: [], skipped: 0 })
}

function act(store: ReadableStore, target: string): Promise<void> {
  return store.recordAction({ actor: 'operator', action: 'pause', target, about: {} })
}

function count(
  kind: Count['kind'],
  times: number,
  { hook = '', code = '' }: { hook?: string; code?: string } = {},
): Count {
  return { kind, hook, code, count: times }
}

function item(rest: Partial<ActivityItem> = {}): ActivityItem {
  return { kind: 'accepted', at: 1, id: randomUUID(), eventType: null, hook: null, code: null, ...rest }
}

function ofToday(store: ReadableStore): Promise<CountRow[]> {
  const now = Date.now()
  return store.reader.counts({ since: now - DAY_MS, until: now + DAY_MS, stepMs: 2 * DAY_MS })
}

function summed(rows: readonly CountRow[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { kind, hook, code, count: times } of rows) {
    const key = [kind, hook, code].filter((part) => part !== '').join(' ')
    sums[key] = (sums[key] ?? 0) + times
  }
  return sums
}
