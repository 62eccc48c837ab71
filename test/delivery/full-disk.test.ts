import { join } from 'node:path'
import { expect, test } from 'vitest'
import { credentialEvents } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'

test('on a full disk nothing is taken and nothing is sent twice; with room again every event arrives exactly once', async ({
  skip,
}) => {
  const disk = mountSmallDisk() ?? skip('no file system can be mounted here')
  const held: (() => void)[] = []
  let isHolding = true
  const receiver = await startReceiver((_request, response) => {
    const answer = () => response.writeHead(204).end()
    if (isHolding) held.push(answer)
    else answer()
  })
  const relay = await startRelay({
    ...hookTo(receiver, { concurrency: 4 }),
    DATABASE_URL: `sqlite:${join(disk.folder, 'relay.db')}`,
  })
  const readyz = async () => (await fetch(`${relay.url}/readyz`)).status
  const failuresToWrite = () =>
    relay.logLines.filter(({ msg }) => msg === 'outcomes could not be written, to be tried again').length

  // Four are out when the disk fills up, and six wait in the process, to be sent when a slot is free.
  const taken = credentialEvents(10)
  for (const event of taken) expect(await relay.send(event)).toMatchObject({ status: 202 })
  await receiver.hasReceived(4)
  // A look at the store that went well serves a while, but not beyond an acceptance that failed.
  expect(await readyz()).toBe(200)
  disk.fill()
  const refused = credentialEvents(3)
  for (const event of refused) expect(await relay.send(event)).toMatchObject({ status: 503 })
  expect(await readyz()).toBe(503)

  isHolding = false
  for (const answer of held) answer()
  await until('three tries to write the outcomes', () => failuresToWrite() >= 3)
  expect(new Set(receiver.ids).size).toBe(receiver.ids.length)
  expect(await readyz()).toBe(503)

  disk.makeRoom()
  await until('the relay to be ready', async () => (await readyz()) === 200)
  for (const event of refused) expect(await relay.send(event)).toMatchObject({ status: 202 })
  await until('all to be delivered', async () =>
    (await relay.app.reader.stats()).every(({ pending }) => pending === 0),
  )
  expect(receiver.ids.toSorted()).toEqual([...taken, ...refused].map(({ event_id }) => event_id).toSorted())
}, 30_000)
