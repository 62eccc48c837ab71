import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { ManualClock, ShiftedClock } from '../support/manual-clock.ts'
import { acceptance, claim, claimOne, pendingFor, settleOne, wanting } from './asking.ts'
import { newPath, open } from './store-file.ts'

const HOUR_MS = 3_600_000

const DAY_MS = 24 * HOUR_MS

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
    for (const { oldestPendingAgeMs } of await store.reader.stats())
      expect(oldestPendingAgeMs).toBeLessThan(HOUR_MS)
    const passed = await store.prune({ payloadAgeMs: DAY_MS, dedupAgeMs: DAY_MS, limit: 100 })
    expect(passed).toMatchObject({ pruned: 0, forgotten: 0 })

    clock.skip(HOUR_MS)
    expect(await claim(store, hooks)).toMatchObject([{ hook: 'soon', ageMs: expect.closeTo(HOUR_MS, -5) }])
  },
)

test('a store that is opened with a wall clock that is behind goes on from what it wrote last', async () => {
  const path = newPath()
  const before = await open(path)
  for (const hook of ['soon', 'leased', 'now']) await before.accept(acceptance({ hooks: [hook] }))
  await settleOne(before, await claimOne(before, 'soon'), pendingFor(1000))
  await claimOne(before, 'leased', HOUR_MS)
  await before.close()

  const clock = new ShiftedClock()
  clock.jumpWall(-56 * 365 * DAY_MS)
  const reopened: number[] = []
  const store = await open(path, { clock, onReopened: ({ wallAheadMs }) => reopened.push(wallAheadMs) })
  expect(reopened).toEqual([expect.closeTo(-56 * 365 * DAY_MS, -5)])
  expect(await claim(store, ['leased', 'now'])).toHaveLength(2)
  // The time is written once a minute.
  clock.skip(60_000 + 1000)
  expect(await claim(store, ['soon'])).toHaveLength(1)
  await store.accept(acceptance({ hooks: ['new'] }))
  await store.close()

  // What was accepted in the meantime is not 56 years old for a start whose clock is right again.
  const after = await open(path)
  expect(await claimOne(after, 'new')).toMatchObject({
    ageMs: expect.toSatisfy((age: number) => age < HOUR_MS),
  })
})

test('a start four days ahead makes no delivery older, also not once the clock is right again', async () => {
  const path = newPath()
  const before = await open(path)
  for (const hook of ['new', 'failing', 'out']) await before.accept(acceptance({ hooks: [hook] }))
  await settleOne(before, await claimOne(before, 'failing'), pendingFor(0))
  await claimOne(before, 'out')
  await before.close()

  const ahead = new ShiftedClock()
  ahead.jumpWall(4 * DAY_MS)
  for (const clock of [ahead, new ShiftedClock()]) {
    const store = await open(path, { clock })
    expect((await store.reader.stats()).map(({ oldestPendingAgeMs }) => oldestPendingAgeMs)).toEqual(
      ['failing', 'new', 'out'].map(() => expect.toSatisfy((age: number) => age >= 0 && age < HOUR_MS)),
    )
    const failing = await claimOne(store, 'failing')
    expect(failing.ageMs).toBeLessThan(HOUR_MS)
    expect(failing.failingForMs).toBeLessThan(HOUR_MS)
    await settleOne(store, failing, pendingFor(0))
    await store.close()
  }
})

test('a store that is opened again tells how long nothing was written', async () => {
  const path = newPath()
  const clock = new ShiftedClock()
  const reopened: number[] = []
  const options = {
    clock,
    onReopened: ({ wallAheadMs }: { wallAheadMs: number }) => reopened.push(wallAheadMs),
  }
  const first = await open(path, options)
  expect(reopened).toEqual([])
  // Also of a store that has only been asked, with nothing to send.
  await claim(first, ['a'])
  clock.skip(2 * HOUR_MS)
  await claim(first, ['a'])
  await first.close()
  clock.jumpWall(HOUR_MS)
  await open(path, options)
  expect(reopened).toEqual([expect.closeTo(HOUR_MS, -5)])
})

test('while a commit hangs, calls are refused after 10 s, and then the store works again', async () => {
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
