import { expect, test, vi } from 'vitest'
import type { Hook } from '../../src/config/hook.ts'
import { DeliveryEngine } from '../../src/delivery/engine.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { createPauses } from '../../src/operator/pauses.ts'
import type { HookPause } from '../../src/store/records.ts'
import { systemClock } from '../../src/time/clock.ts'
import { acceptance } from '../store/asking.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hooksOf, readHook, readHooks } from '../support/hooks.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { newDatabase } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const PAUSE = { hook: 'one', pausedBy: 'operator', reason: 'moving house' }
const DAY_MS = 86_400_000

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

test('a pause outlasts changed settings of the hook, and one of a removed hook does no harm', async () => {
  const [receiver, other] = [await startReceiver(), await startReceiver()]
  const settings = [
    { name: 'one', url: receiver.url },
    { name: 'two', url: other.url },
  ]
  const relay = await startRelay(hooksOf(...settings))
  const [one, two] = readHooks(...settings) as [Hook, Hook]
  await pausesOf(relay).pauseHook(PAUSE)
  await relay.send(credentialEvent())
  relay.app.setHooks([{ ...one, concurrency: 2 }, two])
  await relay.send(credentialEvent())
  relay.app.setHooks([two])
  await relay.send(credentialEvent())
  relay.app.setHooks([one, two])
  await relay.send(credentialEvent())
  await other.hasReceived(4)
  expect(receiver.received).toEqual([])
  relay.app.setHooks([two])
  expect(await pausesOf(relay).resumeHook('one')).toBe(true)
  relay.app.setHooks([one, two])
  await receiver.hasReceived(3)
})

test('what was paused for days is not given up when the first attempts after it fail', async () => {
  let isUp = false
  const receiver = await startReceiver((_request, response) => response.writeHead(isUp ? 204 : 500).end())
  const clock = new ShiftedClock()
  const settings = { retry: { initialDelayMs: 20, maxDelayMs: 40 }, breaker: { failures: 1_000_000 } }
  const relay = await startRelay(hookTo(receiver, settings), clock)
  const event = credentialEvent()
  await relay.send(event)
  await receiver.hasReceived(5)
  await pausesOf(relay).pauseHook(PAUSE)
  await until('the attempt under way to end', async () => {
    return (await statesAt('one', relay, [event]))[0] === 'pending'
  })
  const before = receiver.received.length
  clock.skip(4 * DAY_MS)
  await pausesOf(relay).resumeHook('one')
  await receiver.hasReceived(before + 5)
  isUp = true
  await until('it to be delivered', async () => (await statesAt('one', relay, [event]))[0] === 'delivered')
  expect(relay.logLines.filter(({ msg }) => String(msg).includes('given up'))).toEqual([])
})

test('what fails on after a pause is given up once the time for giving up has passed since then', async () => {
  const receiver = await startReceiver(500)
  const clock = new ShiftedClock()
  const settings = { retry: { initialDelayMs: 20, maxDelayMs: 40 }, breaker: { failures: 1_000_000 } }
  const relay = await startRelay(hookTo(receiver, settings), clock)
  await relay.send(credentialEvent())
  await receiver.hasReceived(3)
  await pausesOf(relay).pauseHook(PAUSE)
  clock.skip(4 * DAY_MS)
  await pausesOf(relay).resumeHook('one')
  await receiver.hasReceived(receiver.received.length + 3)
  clock.skip(3_600_000)
  const given = await relay.logged('delivery given up: a dead letter')
  expect(given).toMatchObject({ hook: 'one', status: 500 })
})

test('before the store has told which hooks are paused, nothing is leased and nothing sent', async () => {
  const receiver = await startReceiver()
  const { app } = await startRelay()
  let tell = (_pauses: HookPause[]): void => {}
  const told = new Promise<HookPause[]>((resolve) => (tell = resolve))
  const claim = vi.fn<typeof app.store.claim>((wants) => app.store.claim(wants))
  const announce = vi.fn<typeof app.store.announce>(() => app.store.announce())
  const engine = new DeliveryEngine({
    store: {
      claim,
      announce,
      settle: (settlements) => app.store.settle(settlements),
      leave: () => app.store.leave(),
      pausedHooks: () => told,
    },
    hooks: [readHook({ name: 'one', url: receiver.url })],
    log: createLogger('silent', { write: () => {} }),
    metrics: createMetrics(),
    recorder: { count: () => {}, happened: () => {} },
    alerts: { deadLetter: () => {}, breakerOpened: () => {} },
    clock: systemClock,
    random: Math.random,
  })
  await app.store.accept(acceptance({ hooks: ['one'] }))
  engine.start()
  try {
    await until('it to be announced', () => announce.mock.settledResults.length > 0)
    engine.wake()
    const { event } = acceptance()
    const reservation = engine.reserve(['one'], { webhookId: 'x', eventType: 'x', body: event.body })
    expect(reservation.deliveries).toEqual([{ hook: 'one' }])
    reservation.released()
    expect(claim).not.toHaveBeenCalled()
    tell([])
    await receiver.hasReceived(1)
  } finally {
    await engine.stop(0)
  }
})

async function statesAt(hook: string, { app }: Relay, events: readonly { event_id: string }[]) {
  const histories = await Promise.all(events.map(({ event_id }) => app.reader.deliveriesOf(event_id)))
  return histories.map((history) => history.find((one) => one.hook === hook)?.state)
}
