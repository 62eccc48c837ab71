import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { acceptance } from './asking.ts'
import { open } from './store-file.ts'

test('on a disk without room for a large event the check fails as acceptance does, and with room again both succeed', async ({
  skip,
}) => {
  const disk = mountSmallDisk() ?? skip('no file system can be mounted here')
  const store = await open(join(disk.folder, 'relay.db'))
  await store.accept(acceptance())
  await store.check()

  // Enough is left for the row that the check rewrites, and not for a large event.
  disk.fill(65_536)
  const large = acceptance()
  const request = { ...large, event: { ...large.event, body: 'x'.repeat(262_144) } }
  await expect(store.accept(request)).rejects.toMatchObject({ code: 'store_failing' })
  await expect(store.check()).rejects.toMatchObject({ code: 'store_failing' })

  disk.makeRoom()
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
