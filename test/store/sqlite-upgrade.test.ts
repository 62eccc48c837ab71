import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { acceptEach, acceptance, acceptanceAbout, claim } from './asking.ts'
import { NUMBERED_ON, attemptEach, fillEveryState, withoutReplays, withoutTokens } from './every-state.ts'
import { newPath, open, read, change, claimInOrder } from './store-file.ts'

test('a file of the first schema is brought up to date, with the order of what it holds', async () => {
  const path = newPath()
  const first = await open(path)
  const credential = randomUUID()
  const requests = await acceptEach(first, [acceptanceAbout(credential), acceptanceAbout(credential)])
  await first.close()
  change(
    path,
    `drop index deliveries_order; drop index deliveries_dead; drop index events_accepted;
     alter table deliveries drop column order_key; alter table deliveries drop column replays;
     alter table deliveries drop column lease_token; alter table deliveries drop column failing_since;
     alter table attempts drop column lease_token;
     ${withoutReplays('')} pragma user_version = 1`,
  )

  const second = await open(path)
  expect(await claimInOrder(second)).toMatchObject([{ webhookId: requests[0]?.webhookId }])
  expect(await claimInOrder(second)).toEqual([])
  expect(await second.reader.deliveriesOf(requests[1]?.webhookId as string)).toMatchObject([{ replays: 0 }])
})

test('a file of the schema before leases had tokens keeps its history and numbers its attempts on', async () => {
  const path = newPath()
  const first = await open(path)
  const requests = await fillEveryState(first)
  await first.close()
  change(path, `${withoutTokens('')} ${withoutReplays('')} pragma user_version = 2`)
  expect(await attemptEach(await open(path), requests)).toEqual(NUMBERED_ON)
})

test('after a step that only adds, the version before works on the file again and leaves the schema as it is', async () => {
  const path = newPath()
  const before = await open(path)
  await before.accept(acceptance({ hooks: ['a'] }))
  await before.close()
  const known = version(path)
  change(
    path,
    `create table later (it text); alter table events add column later text; pragma user_version = ${known + 1}`,
  )
  const older = await open(path)
  expect(await older.accept(acceptance({ hooks: ['a'] }))).toMatchObject({ outcome: 'accepted' })
  expect(await claim(older, ['a'])).toHaveLength(2)
  await older.close()
  expect(version(path)).toBe(known + 1)

  change(path, `update schema_version set usable_from = ${known + 1}`)
  await expect(open(path)).rejects.toThrow(
    new RegExp(`newer seam-relay .schema ${known + 1}, which needs a program that knows ${known + 1}`),
  )
})

function version(path: string): number {
  return read(path, 'pragma user_version')[0]?.['user_version'] as number
}
