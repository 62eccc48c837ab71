import { copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { acceptance } from './asking.ts'
import { newPath, open, read } from './store-file.ts'

const COUNT = 'select count(*) as events from events'

test.each(['', '-wal'])(
  'a store whose file%s was replaced takes nothing from that moment on, until it is put back',
  async (end) => {
    const path = newPath()
    const changes: (string | null)[] = []
    const store = await open(path, { onFileGone: (gone) => void changes.push(gone) })
    await store.accept(acceptance())
    renameSync(path + end, `${path}.away`)
    copyFileSync(`${path}.away`, path + end)
    await expect(store.accept(acceptance())).rejects.toThrow(/was removed or replaced/)
    await expect(store.check()).rejects.toThrow(/was removed or replaced/)
    renameSync(`${path}.away`, path + end)
    expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
    expect(changes).toEqual([path + end, null])
  },
)

test('a file that is replaced while a webhook is being stored: the webhook is not answered as stored', async () => {
  const path = newPath()
  const store = await open(path)
  // Enough at once that some are still to be committed when the file is moved away.
  const asked = Array.from({ length: 2000 }, () => store.accept(acceptance()).then(() => path))
  await asked[0]
  renameSync(path, `${path}.away`)
  const inTheMoment = await Promise.allSettled(asked)
  expect(inTheMoment.at(-1)).toMatchObject({ status: 'rejected' })
  await store.close()
  const answered = inTheMoment.filter(({ status }) => status === 'fulfilled').length
  expect(read(`${path}.away`, COUNT)[0]?.['events']).toBeGreaterThanOrEqual(answered)
})

test('a store that is closed with another file in its place leaves that one alone, and its own whole', async () => {
  const path = newPath()
  const first = await open(path)
  await first.accept(acceptance())
  await first.close()
  copyFileSync(path, `${path}.backup`)

  const second = await open(path)
  for (let n = 0; n < 200; n++) await second.accept(acceptance())
  renameSync(path, `${path}.away`)
  copyFileSync(`${path}.backup`, path)
  await second.close()
  expect(readFileSync(path).equals(readFileSync(`${path}.backup`))).toBe(true)
  // Without the -wal, if one is still there.
  expect(read(`${path}.away`, COUNT)).toEqual([{ events: 201 }])

  const third = await open(path)
  expect(
    read(path, `${COUNT} union all select 1 from pragma_integrity_check where integrity_check = 'ok'`),
  ).toEqual([{ events: 1 }, { events: 1 }])
  expect(await third.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
})

test('a store whose -wal was removed loses nothing that it had answered', async () => {
  const path = newPath()
  const first = await open(path)
  const request = acceptance()
  await first.accept(request)
  rmSync(`${path}-wal`)
  await expect(first.accept(acceptance())).rejects.toThrow(/was removed or replaced/)
  await first.close()
  expect(await (await open(path)).accept(request)).toEqual({ outcome: 'duplicate' })
})
