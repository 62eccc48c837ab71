import { expect, test } from 'vitest'
import { ACTIVITY_KEPT_ROWS } from '../../src/store/records.ts'
import type { ActivityItem, Count } from '../../src/store/records.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { open } from './postgres-database.ts'

const ACCEPTED: Count = { kind: 'accepted', hook: '', code: '', count: 1 }
const ITEM: ActivityItem = { kind: 'accepted', at: 1, id: 'x', eventType: null, hook: null, code: null }

test('counts past their age are deleted in small steps, and the others are kept', async () => {
  const url = await newDatabase()
  const store = await open(url)
  const old = `now() - interval '35 days'`
  await sql(
    url,
    `insert into seam_relay.counts
     select ${old} - interval '1 second' - i * interval '1 minute', 'accepted', '', '', 1 from generate_series(0, 249) i
     union all select ${old} + interval '1 hour', 'accepted', '', '', 1`,
  )
  const kept: number[] = []
  for (let n = 0; n < 4; n++) {
    await store.record({ counts: [ACCEPTED], activity: [], skipped: 0 })
    const [row] = await sql<{ n: string }>(
      url,
      `select count(*) as n from seam_relay.counts where minute < ${old}`,
    )
    kept.push(Number(row?.n))
  }
  expect(kept).toEqual([150, 50, 0, 0])
  expect(await sql(url, 'select sum(count)::integer as n from seam_relay.counts')).toEqual([{ n: 5 }])
})

test('of the activity only the newest rows are kept, older ones are deleted in small steps, and a reader is told of the gap', async () => {
  const url = await newDatabase()
  const store = await open(url)
  await sql(
    url,
    `insert into seam_relay.activity select i, now(), '[]', 0 from generate_series(1, ${ACTIVITY_KEPT_ROWS + 14}) i`,
  )
  const oldest: unknown[] = []
  for (let n = 0; n < 3; n++) {
    await store.record({ counts: [], activity: [ITEM], skipped: 0 })
    const [row] = await sql<{ n: string }>(url, 'select min(number) as n from seam_relay.activity')
    oldest.push(Number(row?.n))
  }
  expect(oldest).toEqual([11, 17, 18])
  expect(await store.reader.activityAfter(10, 1)).toMatchObject({ rows: [{ number: 18 }], hasGap: true })
  expect(await store.reader.activityAfter(17, 1)).toMatchObject({ rows: [{ number: 18 }], hasGap: false })
})

test('replicas add to the same counts, and their activity is seen in order and without holes while they write', async () => {
  const url = await newDatabase()
  const replicas = [await open(url), await open(url), await open(url)]
  const hooks = ['a', 'b', 'c', 'd']
  const rounds = 25
  const write = async (replica: (typeof replicas)[number], turn: number): Promise<void> => {
    const turned = [...hooks.slice(turn), ...hooks.slice(0, turn)]
    for (let n = 0; n < rounds; n++) {
      const counts = turned.map((hook) => ({ kind: 'delivered', hook, code: '', count: 1 }) as const)
      await replica.record({ counts, activity: [ITEM], skipped: 0 })
    }
  }
  const writing = Promise.all(replicas.map(write))
  const total = rounds * replicas.length
  const [watcher] = replicas
  const seen: number[] = []
  for (let at = 0; at < total; at = seen.at(-1) ?? 0) {
    const page = (await watcher?.reader.activityAfter(at, 7)) as {
      rows: { number: number }[]
      hasGap: boolean
    }
    expect(page.hasGap).toBe(false)
    seen.push(...page.rows.map(({ number }) => number))
  }
  await writing
  expect(seen).toEqual(Array.from({ length: total }, (_one, n) => n + 1))
  const sums = await sql<{ hook: string; n: number }>(
    url,
    'select hook, sum(count)::integer as n from seam_relay.counts group by hook order by hook',
  )
  expect(sums).toEqual(hooks.map((hook) => ({ hook, n: total })))
})

test('a pause that one replica makes is told to the others', async () => {
  const url = await newDatabase()
  const [one, other] = [await open(url), await open(url)]
  await one.pauseHook({ hook: 'a', pausedBy: 'operator', reason: 'x' })
  expect(await other.pausedHooks()).toEqual(await one.pausedHooks())
  expect(await other.resumeHook('a')).toBe(true)
  expect(await one.pausedHooks()).toEqual([])
})
