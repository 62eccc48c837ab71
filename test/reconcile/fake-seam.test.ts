import type { AddressInfo, Server } from 'node:net'
import { createFake } from '@seamapi/fake-seam-connect'
import { expect, onTestFinished, test } from 'vitest'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { KEY, WORKSPACE, eventFrom, expectOnce } from './support.ts'

const MINUTE_MS = 60_000

test("against Seam's own fake: what it lists and never sent is taken in and delivered once", async () => {
  const fake = await createFake()
  fake.database.addWorkspace({ name: 'a test', workspace_id: WORKSPACE })
  fake.database.addApiKey({ token: KEY, workspace_id: WORKSPACE })
  const events = Array.from({ length: 40 }, (_, index) => eventFrom((40 - index) * MINUTE_MS))
  for (const event of events) fake.database.addEvent(event as unknown as FakeEvent)
  // On loopback alone: its own default listens on every interface.
  const { server } = await fake.startServer({ port: { host: '127.0.0.1', port: 0 } as unknown as number })
  onTestFinished(() => fake.stopServer())
  const { port } = (server as unknown as Server).address() as AddressInfo
  const receiver = await startReceiver()
  const settings = { SEAM_API_KEY: KEY, SEAM_API_URL: `http://127.0.0.1:${port}`, RECONCILE_SETTLE_S: '0' }
  const relay = await startRelay({ ...settings, ...hookTo(receiver) })
  expect(await relay.logged('events missed')).toMatchObject({
    workspace_id: WORKSPACE,
    missed: 40,
    recovered: 40,
  })
  await receiver.hasReceived(40)
  expectOnce(receiver.ids, events)
})

type FakeEvent = Parameters<Awaited<ReturnType<typeof createFake>>['database']['addEvent']>[0]
