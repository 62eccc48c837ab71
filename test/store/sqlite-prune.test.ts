import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { AcceptRequest, PruneCursor, PruneResult } from '../../src/store/store.ts'
import { aLaterTime, acceptEach, acceptance, settleAll } from './asking.ts'
import { newPath, open, read, change } from './store-file.ts'

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

test('events from a clock that was wrong for a moment do not end the pass', async () => {
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

test('deleted events leave room for new ones: the file shrinks, and does not grow with each filling', async () => {
  const path = newPath()
  await fill(path, 20_000)
  const full = statSync(path).size
  const store = await open(path)
  await aLaterTime()
  let pruned = 0
  let after: PruneCursor | null = null
  do {
    const request = { payloadAgeMs: 0, dedupAgeMs: 600_000, limit: 200 }
    const step: PruneResult = await store.prune(after === null ? request : { ...request, after })
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

/** Takes so many events in, delivers them, and lets go of the file. */
async function fill(path: string, count: number): Promise<void> {
  const store = await open(path)
  for (let n = 0; n < count; n += 500) {
    await Promise.all(Array.from({ length: 500 }, () => store.accept(acceptance({ hooks: ['a'] }))))
    await settleAll(store, 'a', { state: 'delivered' })
  }
  await store.close()
}
