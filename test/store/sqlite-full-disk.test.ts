import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'
import { acceptance } from './asking.ts'
import { open } from './store-file.ts'

test('on a disk without room for a large event the check fails as acceptance does, and with room again both succeed', async ({
  skip,
}) => {
  const folder = scratchFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    skip('no file system can be mounted here')
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const store = await open(join(folder, 'relay.db'))
  await store.accept(acceptance())
  await store.check()

  const { bavail, bsize } = statfsSync(folder)
  const filler = join(folder, 'filler')
  // Enough is left for the row that the check rewrites, and not for a large event.
  writeFileSync(filler, Buffer.alloc(bavail * bsize - 65_536))
  const large = acceptance()
  const request = { ...large, event: { ...large.event, body: 'x'.repeat(262_144) } }
  await expect(store.accept(request)).rejects.toMatchObject({ code: 'store_failing' })
  await expect(store.check()).rejects.toMatchObject({ code: 'store_failing' })

  rmSync(filler)
  await store.check()
  expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
})

test('on a disk with plenty of room the check writes no probe, so that acceptances do not wait for one', async () => {
  const file = join(scratchFolder(), 'relay.db')
  const store = await open(file)
  // A probe could not be written here.
  mkdirSync(`${file}.room`)
  await store.check()
  expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
})
