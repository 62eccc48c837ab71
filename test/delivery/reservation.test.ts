import { describe, expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { DeliveryHistory } from '../../src/store/reader.ts'
import type { Clock } from '../../src/time/clock.ts'
import type { CredentialEvent } from '../../src/events/event.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test('an event that comes while nothing else is due goes out without a claim, as its first attempt', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const claimed = await watchClaims(relay)
  const event = credentialEvent()
  await relay.send(event)
  const [request] = await receiver.hasReceived(1)
  expect(request?.headers).toMatchObject({ 'webhook-id': event.event_id, 'seam-relay-attempt': '1' })
  await until('it to be settled', async () => (await stateOf(relay, event.event_id)) === 'delivered')
  expect(claimed).toEqual([])
})

test('a failed delivery is tried again through claims', async () => {
  const receiver = await startReceiver(500)
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 20, maxDelayMs: 40 } }))
  const claimed = await watchClaims(relay)
  const event = credentialEvent()
  await relay.send(event)
  await receiver.hasReceived(3)
  expect(receiver.received.map(({ headers }) => headers['seam-relay-attempt']).slice(0, 3)).toEqual([
    '1',
    '2',
    '3',
  ])
  expect(claimed).not.toContain(1)
})

test('a duplicate and a failed acceptance free the room that was reserved for them', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver, { concurrency: 2 }))
  await watchClaims(relay)
  const event = credentialEvent()
  for (let n = 0; n < 5; n++) await relay.send(event)
  const accept = vi.spyOn(relay.app.store, 'accept').mockRejectedValue(new Error('the disk is full'))
  for (let n = 0; n < 5; n++) expect((await relay.send(credentialEvent())).status).toBe(500)
  accept.mockRestore()
  const others = Array.from({ length: 10 }, () => credentialEvent())
  await Promise.all(others.map((other) => relay.send(other)))
  await receiver.hasReceived(11)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([event, ...others].map(({ event_id }) => event_id)),
  )
})

test('an event that is on disk when the relay is stopped, but not yet known to delivery, is put back unsent', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  await watchClaims(relay)
  const { stopped, event } = await stopWithOneJustOnDisk(relay)
  await stopped
  expect(receiver.received).toHaveLength(0)
  await startRelay({ ...hookTo(receiver), DATABASE_URL: `sqlite:${relay.databasePath}` })
  const [request] = await receiver.hasReceived(1)
  expect(request?.headers).toMatchObject({ 'webhook-id': event.event_id, 'seam-relay-attempt': '1' })
})

test('deliveries behind an open breaker do not cause a claim with each event', async () => {
  const [healthy, failing] = [await startReceiver(), await startReceiver(500)]
  const hooks = [
    { name: 'healthy', url: healthy.url },
    { name: 'failing', url: failing.url, breaker: { failures: 1, cooldownMs: 600_000 } },
  ]
  const relay = await startRelay({ HOOKS: JSON.stringify(hooks) })
  await relay.send(credentialEvent())
  await until('the breaker to be open', async () =>
    (await relay.metrics()).includes('seam_relay_breaker_state{hook="failing",state="open"} 1'),
  )
  await watchClaims(relay)
  const claims = vi.spyOn(relay.app.store, 'claim').mockClear()
  for (let n = 0; n < 50; n++) await relay.send(credentialEvent())
  await healthy.hasReceived(51)
  expect(claims.mock.calls.length).toBeLessThan(25)
  expect(failing.received).toHaveLength(1)
})

describe('a delivery that is accepted while the hook has no free slot', () => {
  test('waits in the window, and goes out in its order and without a claim when a slot is free', async () => {
    const { receiver, events, answer, claimed } = await withOneUnderWay(2)
    answer()
    await receiver.hasReceived(3)
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      events.map(({ event_id }) => event_id),
    )
    expect(receiver.received.map(({ headers }) => headers['seam-relay-attempt'])).toEqual(['1', '1', '1'])
    expect(claimed).toEqual([])
  })

  test('is put back when the breaker opens, and goes out when it closes again', async () => {
    const { relay, receiver, events, answer } = await withOneUnderWay(2, {
      breaker: { failures: 1, cooldownMs: 300 },
      retry: { initialDelayMs: 10, maxDelayMs: 20 },
    })
    answer(500)
    await until('all to be delivered', async () => (await statesOf(relay, events)).every(isDelivered))
    const attempts = receiver.received.map(({ headers }) => headers['seam-relay-attempt'])
    expect(attempts.filter((attempt) => attempt === '1')).toHaveLength(3)
    expect(attempts).toHaveLength(4)
  })

  test('is put back after 15 s, although nothing ends', async () => {
    const clock = new ShiftedClock()
    const { relay, receiver, events, answer } = await withOneUnderWay(2, {}, clock)
    clock.skip(16_000)
    for (const { event_id } of events.slice(1)) await isPutBack(relay, event_id)
    expect(receiver.received).toHaveLength(1)
    answer()
    await until('all to be delivered', async () => (await statesOf(relay, events)).every(isDelivered))
  })

  test('is put back when its hook is changed, and goes out by the new settings', async () => {
    const { relay, receiver, events, answer } = await withOneUnderWay(1)
    const changed = { name: 'one', url: `${receiver.url}/new`, concurrency: 1 }
    const config = readConfig({ SEAM_WEBHOOK_SECRET: relay.secret, HOOKS: JSON.stringify([changed]) })
    relay.app.setHooks(config.hooks)
    answer()
    await until('all to be delivered', async () => (await statesOf(relay, events)).every(isDelivered))
    expect(receiver.received.map(({ path, headers }) => [path, headers['seam-relay-attempt']])).toEqual([
      ['/hook', '1'],
      ['/hook/new', '1'],
    ])
  })

  test('is put back when its hook is left out, and goes out when it is named again', async () => {
    const { relay, receiver, events, answer } = await withOneUnderWay(1)
    const config = readConfig({ SEAM_WEBHOOK_SECRET: relay.secret, ...hookTo(receiver) })
    relay.app.setHooks([])
    await until('it to be put back', async () => (await statesOf(relay, events))[1] === 'pending')
    answer()
    await until('the first to be settled', async () => (await statesOf(relay, events))[0] === 'delivered')
    expect(receiver.received).toHaveLength(1)
    relay.app.setHooks(config.hooks)
    await until('all to be delivered', async () => (await statesOf(relay, events)).every(isDelivered))
    expect(receiver.received).toHaveLength(2)
  })

  test('is put back when the relay stops, and goes out after the next start', async () => {
    const { relay, receiver, events, answer } = await withOneUnderWay(2)
    const stopped = relay.app.stop()
    answer()
    await stopped
    expect(receiver.received).toHaveLength(1)
    await startRelay({ ...hookTo(receiver), DATABASE_URL: `sqlite:${relay.databasePath}` })
    await receiver.hasReceived(3)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(events.map(({ event_id }) => event_id)),
    )
  })

  test('and gets to disk only when the relay is stopping, is put back too', async () => {
    const { relay, receiver, answer } = await withOneUnderWay(0)
    const { stopped } = await stopWithOneJustOnDisk(relay)
    answer()
    await stopped
    expect(receiver.received).toHaveLength(1)
  })

  test('does not for ever go before a retry that is due', async () => {
    const poor = credentialEvent()
    let tries = 0
    const receiver = await startReceiver(({ headers }, response) => {
      const fails = headers['webhook-id'] === poor.event_id && ++tries === 1
      setTimeout(() => response.writeHead(fails ? 500 : 204).end(), 5)
    })
    const relay = await startRelay(hookTo(receiver, { concurrency: 1, retry: { initialDelayMs: 10 } }))
    await watchClaims(relay)
    await relay.send(poor)
    // Two at a time, so that one always waits in the window: with more, some would have to be claimed too.
    const feed = async () => {
      for (let n = 0; n < 400 && tries < 2; n++) await relay.send(credentialEvent())
    }
    await Promise.all([feed(), feed()])
    expect(tries).toBe(2)
  })
})

/** A relay whose only slot is taken by the first event. So many more are accepted, and wait in the window. */
async function withOneUnderWay(more: number, settings: Record<string, unknown> = {}, clock?: Clock) {
  let release = (_status: number) => {}
  const receiver = await startReceiver((_request, response) => {
    receiver.behaviour = 204
    release = (status) => response.writeHead(status).end()
  })
  const relay = await startRelay(hookTo(receiver, { concurrency: 1, ...settings }), clock)
  const claimed = await watchClaims(relay)
  const events = Array.from({ length: 1 + more }, () => credentialEvent())
  for (const event of events) await relay.send(event)
  await receiver.hasReceived(1)
  expect(await statesOf(relay, events)).toEqual(events.map(() => 'leased'))
  return { relay, receiver, events, claimed, answer: (status = 204) => release(status) }
}

/** Stops the relay while one is on disk, leased, and the engine has not heard of it. It hears of it before this resolves. */
async function stopWithOneJustOnDisk(
  relay: Relay,
): Promise<{ stopped: Promise<void>; event: CredentialEvent }> {
  const { store } = relay.app
  const accept = store.accept.bind(store)
  let goOn = () => {}
  const held = new Promise<void>((resolve) => (goOn = resolve))
  vi.spyOn(store, 'accept').mockImplementation(async (request) => {
    const result = await accept(request)
    await held
    return result
  })
  const event = credentialEvent()
  const sending = relay.send(event)
  await until('it to be on disk', async () => (await stateOf(relay, event.event_id)) === 'leased')
  const stopped = relay.app.stop()
  goOn()
  expect((await sending).status).toBe(202)
  return { stopped, event }
}

/** Waits until the engine knows that nothing is due, and then notes the attempts that claims give. */
async function watchClaims(relay: Relay): Promise<number[]> {
  const claimed: number[] = []
  const { store } = relay.app
  const claim = store.claim.bind(store)
  let isCaughtUp = false
  vi.spyOn(store, 'claim').mockImplementation(async (wants) => {
    const result = await claim(wants)
    isCaughtUp ||= result.deliveries.length === 0
    claimed.push(...result.deliveries.map(({ attempt }) => attempt))
    return result
  })
  relay.wakeDelivery()
  await until('a claim to find nothing', () => isCaughtUp)
  return claimed
}

async function stateOf(relay: Relay, eventId: string): Promise<string | undefined> {
  return (await historyOf(relay, eventId))?.state
}

function statesOf(relay: Relay, events: readonly { event_id: string }[]): Promise<(string | undefined)[]> {
  return Promise.all(events.map(({ event_id }) => stateOf(relay, event_id)))
}

async function historyOf(relay: Relay, eventId: string): Promise<DeliveryHistory | undefined> {
  return (await relay.app.reader.deliveriesOf(eventId))[0]
}

async function isPutBack(relay: Relay, eventId: string): Promise<void> {
  const history = await until('it to be put back', async () => {
    const found = await historyOf(relay, eventId)
    return found?.state === 'pending' ? found : null
  })
  expect({ attempts: history.attempts, records: history.records }).toEqual({ attempts: 0, records: [] })
}

function isDelivered(state: string | undefined): boolean {
  return state === 'delivered'
}
