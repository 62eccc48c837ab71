import { expect, test } from 'vitest'
import { ACTIVITY_KEPT_ROWS, COUNTS_KEPT_MS } from '../../src/store/records.ts'
import type { ActivityItem, Count } from '../../src/store/records.ts'
import { change, newPath, open, read } from './store-file.ts'

const ACCEPTED: Count = { kind: 'accepted', hook: '', code: '', count: 1 }
const ITEM: ActivityItem = { kind: 'accepted', at: 1, id: 'x', eventType: null, hook: null, code: null }

test('counts past their age are deleted in small steps, and the others are kept', async () => {
  const path = newPath()
  const store = await open(path)
  const old = store.now() - COUNTS_KEPT_MS
  change(
    path,
    `with recursive n (i) as (select 0 union all select i + 1 from n where i < 249)
     insert into counts select ${old} - 1000 - i * 60000, 'accepted', '', '', 1 from n;
     insert into counts values (${old} + 60000, 'accepted', '', '', 1)`,
  )
  const kept: number[] = []
  for (let n = 0; n < 4; n++) {
    await store.record({ counts: [ACCEPTED], activity: [], skipped: 0 })
    kept.push(read(path, `select count(*) as n from counts where minute <= ${old}`)[0]?.['n'] as number)
  }
  expect(kept).toEqual([150, 50, 0, 0])
  expect(read(path, 'select sum(count) as n from counts')).toEqual([{ n: 5 }])
})

test('of the activity only the newest rows are kept, older ones are deleted in small steps, and a reader is told of the gap', async () => {
  const path = newPath()
  const store = await open(path)
  const many = ACTIVITY_KEPT_ROWS + 14
  change(
    path,
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${many})
     insert into activity select i, 0, '[]', 0 from n`,
  )
  const oldest: unknown[] = []
  for (let n = 0; n < 3; n++) {
    await store.record({ counts: [], activity: [ITEM], skipped: 0 })
    oldest.push(read(path, 'select min(number) as n from activity')[0]?.['n'])
  }
  expect(oldest).toEqual([11, 17, 18])
  expect(await store.reader.activityAfter(10, 1)).toMatchObject({ rows: [{ number: 18 }], hasGap: true })
  expect(await store.reader.activityAfter(17, 1)).toMatchObject({ rows: [{ number: 18 }], hasGap: false })
})
