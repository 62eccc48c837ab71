import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { acceptEach, acceptanceAbout } from './asking.ts'
import { NUMBERED_ON, attemptEach, fillEveryState, withoutReplays, withoutTokens } from './every-state.ts'
import { newPath, open, change, claimInOrder } from './store-file.ts'

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
