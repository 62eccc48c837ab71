import { expect, test } from 'vitest'
import { createPauses } from '../../src/operator/pauses.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newDatabase } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const PAUSE = { hook: 'one', pausedBy: 'operator', reason: 'moving house' }

function pausesOf({ app }: Relay) {
  return createPauses({ store: app.store, delivery: app.delivery })
}

test('to a paused hook nothing is sent, other hooks are not held up, and resuming it sends what waited', async () => {
  const [paused, other] = [await startReceiver(), await startReceiver()]
  const HOOKS = JSON.stringify([
    { name: 'one', url: paused.url },
    { name: 'other', url: other.url },
  ])
  const relay = await startRelay({ HOOKS })
  const pauses = pausesOf(relay)
  expect(await pauses.pauseHook(PAUSE)).toMatchObject(PAUSE)
  const events = [credentialEvent(), credentialEvent()]
  for (const event of events) expect((await relay.send(event)).status).toBe(202)
  await other.hasReceived(2)
  expect(await relay.metric('seam_relay_hook_paused', { hook: 'one' })).toBe(1)
  expect(await relay.metric('seam_relay_hook_paused', { hook: 'other' })).toBe(0)
  // A second look at what is due, as any wake brings it, changes nothing either.
  relay.wakeDelivery()
  await relay.send(credentialEvent())
  await other.hasReceived(3)
  expect(paused.received).toEqual([])

  expect(await pauses.resumeHook('one')).toBe(true)
  await paused.hasReceived(3)
  expect(await relay.metric('seam_relay_hook_paused', { hook: 'one' })).toBe(0)
  expect(await pauses.resumeHook('one')).toBe(false)
})

test('what a process has leased and not begun goes back when the hook is paused, and what is under way ends as it began', async () => {
  const held: (() => void)[] = []
  const receiver = await startReceiver(
    (_request, response) => void held.push(() => response.writeHead(204).end()),
  )
  const relay = await startRelay(hookTo(receiver, { concurrency: 1 }))
  await relay.send(credentialEvent())
  await until('the first to be under way', () => held.length === 1)
  await relay.send(credentialEvent())
  await pausesOf(relay).pauseHook(PAUSE)
  held.shift()?.()
  await relay.logged('delivered')
  await until('the second to be put back', async () => {
    const page = await relay.app.reader.listDeliveries({ state: 'pending', limit: 10 })
    return page.items.length === 1 && page.items[0]?.attempts === 0
  })
  expect(receiver.received).toHaveLength(1)
})

test('a pause outlives a restart: nothing is sent before the store has been asked', async () => {
  const [receiver, other] = [await startReceiver(), await startReceiver()]
  const HOOKS = JSON.stringify([
    { name: 'one', url: receiver.url },
    { name: 'other', url: other.url },
  ])
  const first = await startRelay({ HOOKS })
  await pausesOf(first).pauseHook(PAUSE)
  await first.send(credentialEvent())
  await other.hasReceived(1)
  await first.app.stop()
  const second = await startRelay({ HOOKS, DATABASE_URL: `sqlite:${first.databasePath}` })
  await second.send(credentialEvent())
  await other.hasReceived(2)
  expect(receiver.received).toEqual([])
  await pausesOf(second).resumeHook('one')
  await receiver.hasReceived(2)
})

test('a hook that is paused at one replica is paused at the others, and so is going on', async () => {
  const url = await newDatabase()
  const receiver = await startReceiver()
  const environment = { ...hookTo(receiver), DATABASE_URL: url }
  const [here, there] = [await startRelay(environment), await startRelay(environment)]
  await pausesOf(here).pauseHook(PAUSE)
  await until('the other replica to know', () => there.app.delivery.paused.has('one'))
  await there.send(credentialEvent())
  await here.send(credentialEvent())
  await until('both to wait', async () => {
    const page = await here.app.reader.listDeliveries({ state: 'pending', limit: 10 })
    return page.items.length === 2
  })
  expect(receiver.received).toEqual([])
  await pausesOf(here).resumeHook('one')
  await receiver.hasReceived(2)
})
