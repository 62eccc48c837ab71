import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ActivityFeed } from '../../src/operator/activity-feed.ts'
import { ActivityStream } from '../../src/operator/activity-stream.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { ActivityItem, ActivityPage } from '../../src/store/records.ts'
import { StoreError } from '../../src/store/store.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** The activity of a store, of which the oldest rows go. */
class Activity {
  rows: ActivityPage['rows'] = []
  asked = 0
  isFailing = false

  async activityAfter(number: number, limit: number): Promise<ActivityPage> {
    this.asked++
    if (this.isFailing) throw new StoreError('store_failing', 'no')
    const newest = this.rows.at(-1)?.number ?? 0
    const oldest = this.rows[0]?.number ?? 1
    if (number < 0) return { rows: [], newest, hasGap: false }
    const rows = this.rows.filter((row) => row.number > number).slice(0, limit)
    return { rows, newest, hasGap: number > newest || (rows.length > 0 && number < oldest - 1) }
  }

  add(ids: string[], skipped = 0): void {
    this.rows.push({ number: (this.rows.at(-1)?.number ?? 0) + 1, at: 0, items: ids.map(item), skipped })
  }
}

function item(id: string): ActivityItem {
  return { kind: 'accepted', at: 1_767_225_600_000, id, eventType: 'a.b', hook: null, code: null }
}

function start() {
  const clock = new ManualClock()
  const activity = new Activity()
  const log = createLogger('silent', { write: () => {} })
  const feed = new ActivityFeed({ reader: activity, clock, log })
  const listen = (position: number, until: number | null = null) => {
    const stream = new ActivityStream({ position, until, clock })
    feed.add(stream)
    return stream
  }
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      await setImmediate()
    }
  }
  return { clock, activity, feed, listen, pass }
}

function told(stream: ActivityStream): string {
  return ((stream.read() as Buffer | null) ?? '').toString()
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id as string)
}

test('each listener is told everything after its own position, and once', async () => {
  const { activity, feed, listen, pass } = start()
  activity.add(['a'])
  activity.add(['b', 'c'])
  const fromStart = listen(0)
  const fromNow = listen(await feed.newest())
  await pass(2000)
  activity.add(['d'])
  await pass(2000)
  expect(idsIn(told(fromStart))).toEqual(['a', 'b', 'c', 'd'])
  expect(idsIn(told(fromNow))).toEqual(['d'])
  expect([fromStart.position, fromNow.position]).toEqual([3, 3])
})

test('only the last message of a row carries its number, so one who comes back misses nothing of it', async () => {
  const { activity, listen, pass } = start()
  activity.add(['a', 'b'])
  const stream = listen(0)
  await pass(1000)
  expect(told(stream)).toBe(
    [
      'retry: 2000\nid: 0\n',
      'data: {"kind":"accepted","at":"2026-01-01T00:00:00.000Z","id":"a","event_type":"a.b","hook":null,"code":null}\n',
      'data: {"kind":"accepted","at":"2026-01-01T00:00:00.000Z","id":"b","event_type":"a.b","hook":null,"code":null}\nid: 1\n\n',
    ].join('\n'),
  )
})

test('what was too much to be kept, or is gone, is told as a gap', async () => {
  const { activity, listen, pass } = start()
  for (const id of ['a', 'b', 'c', 'd']) activity.add([id])
  activity.rows.splice(0, 2)
  activity.add(['e'], 17)
  const [old, future] = [listen(1), listen(99)]
  await pass(1000)
  expect(told(old)).toMatch(
    /event: gap\ndata: {"skipped":null}\nid: 2\n\n[^]*"id":"c"[^]*event: gap\ndata: {"skipped":17}\nid: 5\n\n$/,
  )
  expect(told(future)).toMatch(/event: gap\ndata: {"skipped":null}\nid: 5\n\n$/)
})

test('the store is asked once a second for all who are told the same, and not at all while nobody listens', async () => {
  const { activity, feed, listen, pass } = start()
  await pass(5000)
  expect(activity.asked).toBe(0)
  const streams = [listen(0), listen(0), listen(0)]
  await pass(10_000)
  expect(activity.asked).toBeGreaterThanOrEqual(10)
  expect(activity.asked).toBeLessThanOrEqual(13)
  for (const stream of streams) feed.remove(stream)
  await pass(2000)
  const asked = activity.asked
  await pass(60_000)
  expect(activity.asked).toBe(asked)
})

test('one who does not read holds nobody up, is told what it can take, and is closed after half a minute', async () => {
  const { activity, listen, pass } = start()
  const [slow, quick] = [listen(0), listen(0)]
  told(quick)
  for (let row = 0; row < 2000; row++) activity.add([`x${row}`])
  const seen: string[] = []
  for (let second = 0; second < 20; second++) {
    await pass(1000)
    seen.push(...idsIn(told(quick)))
  }
  expect(seen).toHaveLength(2000)
  expect(slow.readableLength).toBeLessThan(100_000)
  expect(slow.destroyed).toBe(false)
  await pass(30_000)
  expect([slow.destroyed, quick.destroyed]).toEqual([true, false])
})

test('a quiet stream says every fifteen seconds that it is alive, and ends with the sign-in', async () => {
  const { clock, listen, pass } = start()
  const stream = listen(0, clock.wallMs() + 40_000)
  told(stream)
  await pass(14_000)
  expect(told(stream)).toBe('')
  await pass(2000)
  expect(told(stream)).toBe(': alive\n\n')
  await pass(20_000)
  expect(stream.destroyed).toBe(false)
  await pass(5000)
  expect(stream.destroyed).toBe(true)
})

test('while the store cannot be read the streams stay open, and then go on without a gap', async () => {
  const { activity, listen, pass } = start()
  const stream = listen(0)
  await pass(1000)
  activity.isFailing = true
  activity.add(['a'])
  await pass(20_000)
  expect(idsIn(told(stream))).toEqual([])
  activity.isFailing = false
  await pass(6000)
  expect(idsIn(told(stream))).toEqual(['a'])
  expect(stream.destroyed).toBe(false)
})

test('a stop ends the polling at once', async () => {
  const { activity, feed, listen, pass } = start()
  listen(0)
  await pass(1000)
  await feed.stop()
  const asked = activity.asked
  await pass(10_000)
  expect(activity.asked).toBe(asked)
})

test('all who are told a row are told it in the same bytes', async () => {
  const { activity, listen, pass } = start()
  activity.add(['a', 'b'], 3)
  const streams = [listen(0), listen(0), listen(0)]
  await pass(1000)
  const texts = new Set(streams.map(told))
  expect([...texts]).toEqual([expect.stringMatching(/"id":"a"[^]*"id":"b"[^]*{"skipped":3}\nid: 1\n\n$/)])
})
