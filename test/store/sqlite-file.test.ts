import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { ClaimedDelivery } from '../../src/store/store.ts'
import { scratchFolder } from '../support/scratch.ts'
import { acceptEach, acceptance, acceptanceAbout, claim, claimOne, settleOne } from './asking.ts'
import { newPath, open, read, change, claimInOrder } from './store-file.ts'

test('a store is made where it is not there, folders and all', async () => {
  const path = join(scratchFolder(), 'a', 'b', 'relay.db')
  await open(path)
  expect(existsSync(path)).toBe(true)
})

test('a file that is opened again has everything it had', async () => {
  const path = newPath()
  const first = await open(path)
  const delivered = acceptance({ hooks: ['delivered'] })
  const requests = [
    delivered,
    acceptance({ hooks: ['dead'] }),
    acceptance({ hooks: ['later', 'now'] }),
    acceptance(),
  ]
  for (const request of requests) await first.accept(request)
  await settleOne(first, await claimOne(first, 'delivered'), { state: 'delivered' })
  await settleOne(first, await claimOne(first, 'dead'), { state: 'dead', failures: 4 })
  const put = { state: 'pending', delayMs: 600_000, failures: 2 } as const
  await settleOne(first, await claimOne(first, 'later'), put)
  await settleOne(first, await claimOne(first, 'now'), { ...put, delayMs: 0 })
  const aside = { messageId: 'msg_1', bytes: Buffer.from([0xff]), problems: [] }
  const { quarantineId } = await first.quarantine(aside)
  await first.close()

  const second = await open(path)
  for (const request of requests) expect(await second.accept(request)).toEqual({ outcome: 'duplicate' })
  expect(await second.quarantine(aside)).toEqual({ quarantineId })
  expect(await claim(second, ['delivered', 'dead', 'later'])).toEqual([])
  const now = await claimOne(second, 'now')
  expect(now).toMatchObject({ attempt: 2, failures: 2, body: requests[2]?.event.body })
  const seqs = read(path, 'select seq from events order by seq').map(({ seq }) => seq)
  await second.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(second, 'new')).eventSeq).toBeGreaterThan(Math.max(...(seqs as number[])))
})

test('a lease ends with its process: after a restart the delivery is due at once', async () => {
  const path = newPath()
  const first = await open(path)
  await first.accept(acceptance({ hooks: ['a'] }))
  const lost = await claimOne(first, 'a', 600_000)
  await first.close()

  const second = await open(path)
  expect(await settleOne(second, lost, { state: 'delivered' })).toBe('lease_lost')
  const again = await claimOne(second, 'a')
  expect(again).toMatchObject({ eventSeq: lost.eventSeq, attempt: 2, failures: 0 })
  expect(again.leaseToken).toBeGreaterThan(lost.leaseToken + 1)
  expect(await settleOne(second, again, { state: 'delivered' })).toBe('settled')
})

test('a file that a newer version wrote is refused, and left as it is', async () => {
  const path = newPath()
  await (await open(path)).close()
  const known = read(path, 'pragma user_version')[0]?.['user_version'] as number
  setVersion(path, 999)
  change(path, 'update schema_version set usable_from = 999')
  const before = readFileSync(path)
  const error = await refusalOf(path)
  expect(error).toMatchObject({ code: 'schema_unknown' })
  expect(error.message).toContain(path)
  expect(error.message).toMatch(/newer seam-relay .*schema 999/)
  expect(readFileSync(path).equals(before)).toBe(true)
  setVersion(path, known)
  change(path, `update schema_version set usable_from = ${known}`)
  await open(path)
})

test.each([0, 1, 999])(
  'the database of another program, at its version %d, is refused and not changed by a byte',
  async (version) => {
    const path = newPath()
    const other = new DatabaseSync(path)
    other.exec(
      `create table notes (text); insert into notes values ('mine'); pragma user_version = ${version}`,
    )
    other.close()
    const before = readFileSync(path)
    const error = await refusalOf(path)
    expect(error).toMatchObject({ code: 'schema_unknown' })
    expect(error.message).toContain(path)
    expect(error.message).toMatch(/another program's database/)
    expect(readFileSync(path).equals(before)).toBe(true)
  },
)

test('a blocked delivery is still blocked after a restart', async () => {
  const path = newPath()
  const first = await open(path)
  const credential = randomUUID()
  const requests = [1, 2, 3].map(() => acceptanceAbout(credential))
  await acceptEach(first, requests)
  await claimInOrder(first)
  expect(await claimInOrder(first)).toEqual([])
  await first.close()

  const second = await open(path)
  for (const { webhookId } of requests) {
    const [delivery, more] = await claimInOrder(second)
    expect(delivery?.webhookId).toBe(webhookId)
    expect(more).toBeUndefined()
    await settleOne(second, delivery as ClaimedDelivery, { state: 'delivered' })
  }
})

test('a file that is no database is refused by name', async () => {
  const path = newPath()
  writeFileSync(
    path,
    'No database at all, but a text that is long enough not to be taken for an empty one. '.repeat(20),
  )
  expect((await refusalOf(path)).message).toMatch(new RegExp(`^${path}: .*not a database`))
})

test('a file that is in use is refused, and can be opened when it has been let go', async () => {
  const path = newPath()
  const first = await open(path)
  await first.accept(acceptance({ hooks: ['a'] }))
  const error = await refusalOf(path)
  expect(error).toMatchObject({ code: 'store_in_use' })
  expect(error.message).toContain(path)
  expect(error.message).toMatch(/another seam-relay is using this store/)
  await first.check()
  await first.close()
  expect(await claim(await open(path), ['a'])).toHaveLength(1)
})

test('a file that is in use is waited for', async () => {
  const path = newPath()
  const first = await open(path)
  const opening = open(path, { lockWaitMs: 20_000 })
  await first.check()
  await first.close()
  await expect((await opening).check()).resolves.toBeUndefined()
})

test('a file can be read by another program while it is in use', async () => {
  const path = newPath()
  const store = await open(path)
  await store.accept(acceptance())
  expect(read(path, 'select count(*) as events from events')).toEqual([{ events: 1 }])
  await store.check()
})

async function refusalOf(path: string): Promise<Error> {
  const [result] = await Promise.allSettled([open(path)])
  if (result.status === 'fulfilled') throw new Error('the file was opened')
  return result.reason as Error
}

function setVersion(path: string, version: number): void {
  change(path, `pragma user_version = ${version}`)
}
