import { expect, test } from 'vitest'
import { StoreError } from '../../src/store/store.ts'
import { acceptance, claim } from './asking.ts'
import { describeStoreContract } from './store-contract.ts'
import { newPath, open, read } from './store-file.ts'

describeStoreContract('the SQLite store', () => open(newPath()))

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

test('a call that cannot be stored is refused, and the others of its group are stored', async () => {
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
