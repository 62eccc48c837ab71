import { linkSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { newPath, open } from './store-file.ts'

test.each([
  ['a symlink to the file', symlinkSync],
  ['a symlink to its folder', undefined],
  ['a hard link', linkSync],
])('a file that is in use is refused through %s too', async (_name, link) => {
  const path = newPath()
  const store = await open(path)
  const other = newPath()
  let through = other
  if (link !== undefined) link(path, other)
  else {
    symlinkSync(dirname(path), `${other}.folder`)
    through = path.replace(dirname(path), `${other}.folder`)
  }
  await expect(open(through)).rejects.toMatchObject({ code: 'store_in_use' })
  await expect(store.check()).resolves.toBeUndefined()
})

test('a symlink that names a file which is not there yet leads to the same lock', async () => {
  const path = newPath()
  const other = newPath()
  symlinkSync(path, other)
  await open(other)
  await expect(open(path)).rejects.toMatchObject({ code: 'store_in_use' })
})

test('a file with two names is refused even when nobody uses it, and the message says what to do', async () => {
  const path = newPath()
  await (await open(path)).close()
  linkSync(path, newPath())
  await expect(open(path)).rejects.toThrow(/2 names \(hard links\).*remove every name but the one/)
})
