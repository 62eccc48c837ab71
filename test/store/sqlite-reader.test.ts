import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { QUESTION_TIMEOUT_MS } from '../../src/store/reader.ts'
import { SqliteReader } from '../../src/store/sqlite/sqlite-reader.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { acceptEach, acceptance } from './asking.ts'
import { newPath, open } from './store-file.ts'

test('nothing is opened before the first question, and a file that cannot be opened is tried again at the next', async () => {
  const path = newPath()
  const reader = new SqliteReader({ path, clock: new ManualClock(), now: () => 0 })
  onTestFinished(() => reader.close())
  // No file is there yet, and none is made.
  await expect(reader.stats()).rejects.toMatchObject({
    code: 'store_failing',
    message: expect.stringMatching(/^the store could not be read: /),
  })
  await open(path)
  expect(await reader.stats()).toEqual([])
})

test('no question holds up the copying back of the log', async () => {
  const path = newPath()
  const store = await open(path)
  const requests = await acceptEach(
    store,
    Array.from({ length: 200 }, () => acceptance({ hooks: ['a'] })),
  )
  await Promise.all([
    store.reader.stats(),
    store.reader.quarantineStats(),
    store.reader.deliveriesOf(requests[0]?.webhookId as string),
    store.reader.countReplay({ scope: {}, limit: 10 }),
    store.reader.listReplays(1),
  ])
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
  const db = new DatabaseSync(path)
  onTestFinished(() => db.close())
  // Busy, or a log that is not empty afterwards, would mean that somebody still reads.
  expect(db.prepare('pragma wal_checkpoint(truncate)').get()).toMatchObject({ busy: 0, log: 0 })
  expect(statSync(`${path}-wal`).size).toBe(0)
  expect((await store.reader.stats())[0]?.pending).toBe(200)
})

test('the log is copied back as a store closes that was read from', async () => {
  const path = newPath()
  const store = await open(path)
  await store.accept(acceptance())
  await store.reader.stats()
  await store.reader.close()
  await store.close()
  expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined()
})

test('a question that is not answered in time is given up, and so are those behind it, which are then not begun', async () => {
  const path = newPath()
  await open(path)
  const clock = new ManualClock()
  const begun: number[] = []
  const now = () => begun.push(begun.length)
  const reader = new SqliteReader({ path, clock, now })
  onTestFinished(() => reader.close())
  const asked = [reader.stats(), reader.stats(), reader.deliveriesOf('msg_1')]
  // The time passes before the thread can have begun.
  clock.advance(QUESTION_TIMEOUT_MS)
  for (const one of asked) {
    await expect(one).rejects.toMatchObject({
      code: 'store_overloaded',
      message: 'the store has not answered a question within 8 s',
    })
  }
  expect(clock.timers).toBe(0)
  expect(await reader.stats()).toEqual([])
  expect(begun).toHaveLength(2)
})
