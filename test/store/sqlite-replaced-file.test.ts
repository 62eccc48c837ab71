import { copyFileSync, renameSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { acceptance } from './asking.ts'
import { newPath, open } from './store-file.ts'

test.each(['', '-wal'])(
  'a store whose file%s was replaced takes nothing until it is put back',
  async (end) => {
    const path = newPath()
    const store = await open(path)
    await store.accept(acceptance())
    renameSync(path + end, `${path}.away`)
    copyFileSync(`${path}.away`, path + end)
    const fails = () =>
      store.check().then(
        () => false,
        () => true,
      )
    await until('the check to fail', fails)
    await expect(store.accept(acceptance())).rejects.toThrow(/was removed or replaced/)
    renameSync(`${path}.away`, path + end)
    await until('the check to succeed', async () => !(await fails()))
    expect(await store.accept(acceptance())).toMatchObject({ outcome: 'accepted' })
  },
)
