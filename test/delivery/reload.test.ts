import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { credentialEvent } from '../support/credential-event.ts'
import type { Receiver } from '../support/receiver.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

test('a hook that is removed and named again sees no more at once than its concurrency', async () => {
  const { receiver, answerAll, most } = await receiverThatWaits()
  const relay = await startRelay(hookTo(receiver, { concurrency: 2 }))
  for (let n = 0; n < 8; n++) await relay.send(credentialEvent())
  await receiver.hasReceived(2)
  relay.app.setHooks([])
  relay.app.setHooks(hooks({ url: receiver.url, concurrency: 2 }))
  await claimsToEnd(relay)
  expect(most()).toBe(2)
  await answerAll(8)
  expect(most()).toBe(2)
})

test('over 20 reloads, a hook with concurrency 1 never sees two at once, and each event comes once', async () => {
  const { receiver, answerAll, most } = await receiverThatWaits()
  const relay = await startRelay(hookTo(receiver, { concurrency: 1 }))
  for (let n = 0; n < 30; n++) await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  for (let n = 1; n <= 20; n++) {
    relay.app.setHooks(hooks({ url: receiver.url, concurrency: 1, timeoutMs: 15_000 + n }))
    await claimsToEnd(relay)
  }
  expect(most()).toBe(1)
  await answerAll(30)
  expect(most()).toBe(1)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(30)
})

test('over 20 reloads, no second sees more attempts begin than maxPerSecond', async () => {
  const times: number[] = []
  const receiver = await startReceiver((_request, response) => {
    times.push(performance.now())
    response.writeHead(204).end()
  })
  const relay = await startRelay(hookTo(receiver, { maxPerSecond: 10 }))
  await Promise.all(Array.from({ length: 25 }, () => relay.send(credentialEvent())))
  for (let n = 1; n <= 20; n++) {
    relay.app.setHooks(hooks({ url: receiver.url, maxPerSecond: 10, timeoutMs: 15_000 + n }))
    await claimsToEnd(relay)
  }
  await receiver.hasReceived(25)
  // The sender's clock is not the receiver's: attempts a second apart may arrive a little closer.
  const spans = times.slice(10).map((time, index) => time - (times[index] as number))
  expect(Math.min(...spans)).toBeGreaterThan(500)
})

test('deliveries of a claim that was under way when maxPerSecond was taken over go by the new rate', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay()
  const claimed = holdNext(relay, 'claim')
  relay.app.setHooks(hooks({ url: receiver.url, concurrency: 64 }))
  await claimed.isHeld
  claimed.goOn()
  for (let n = 0; n < 50; n++) await relay.send(credentialEvent())
  await receiver.hasReceived(50)
  await relay.app.replay({ states: ['delivered'] })
  const held = holdNext(relay, 'claim')
  await held.isHeld
  relay.app.setHooks(hooks({ url: receiver.url, concurrency: 64, maxPerSecond: 1 }))
  held.goOn()
  await receiver.hasReceived(51)
  await claimsToEnd(relay)
  expect(receiver.received.length).toBeLessThanOrEqual(52)
})

test('an event whose acceptance was under way when an order was taken over waits for the one before it', async () => {
  const { receiver, answerAll, most } = await receiverThatWaits()
  const relay = await startRelay(hookTo(receiver, { concurrency: 4 }))
  await claimsToEnd(relay)
  const acs_credential_id = randomUUID()
  const events = Array.from({ length: 3 }, () => credentialEvent({ acs_credential_id }))
  await relay.send(events[0])
  await receiver.hasReceived(1)
  const held = holdNext(relay, 'accept')
  const second = relay.send(events[1])
  await held.isHeld
  relay.app.setHooks(hooks({ url: receiver.url, concurrency: 4, ordering: 'credential' }))
  held.goOn()
  await second
  await relay.send(events[2])
  await claimsToEnd(relay)
  expect(receiver.received).toHaveLength(1)
  await answerAll(3)
  expect(most()).toBe(1)
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
    events.map(({ event_id }) => event_id),
  )
})

test('a delivery that waited under a short time-out is leased anew for the longer one that is taken over', async () => {
  const { receiver, answerAll } = await receiverThatWaits()
  const relay = await startRelay(hookTo(receiver, { concurrency: 1, timeoutMs: 20_000 }))
  await claimsToEnd(relay)
  for (let n = 0; n < 2; n++) await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  const claims = vi.spyOn(relay.app.store, 'claim')
  relay.app.setHooks(hooks({ url: receiver.url, concurrency: 1, timeoutMs: 600_000 }))
  await answerAll(2)
  const wants = claims.mock.calls.flatMap(([list]) => list.map(({ leaseMs }) => leaseMs))
  const given = (await Promise.all(claims.mock.results.map(({ value }) => value))).flatMap(
    ({ deliveries }) => deliveries,
  )
  expect(given).toHaveLength(1)
  expect(Math.min(...wants)).toBeGreaterThan(600_000)
})

function hooks(settings: Record<string, unknown>): Hook[] {
  const HOOKS = JSON.stringify([{ name: 'one', ...settings }])
  return readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS }).hooks
}

/** A receiver that answers only when it is told to, and knows how many it had at one time. */
async function receiverThatWaits() {
  const open = new Set<ServerResponse>()
  let most = 0
  const receiver: Receiver = await startReceiver((_request, response) => {
    open.add(response)
    most = Math.max(most, open.size)
  })
  const answer = () => {
    for (const response of open) response.writeHead(204).end()
    open.clear()
  }
  onTestFinished(answer)
  return {
    receiver,
    most: () => most,
    answerAll: async (count: number) => {
      await until(`${count} requests`, () => {
        answer()
        return receiver.received.length >= count
      })
      answer()
    },
  }
}

/** Lets the loop run, and waits until it has claimed, or has found no room to claim for, several times. */
async function claimsToEnd(relay: Relay): Promise<void> {
  for (let n = 0; n < 3; n++) {
    relay.wakeDelivery()
    await relay.app.store.check()
  }
}

/** The next call of this method gets its answer from the store, and waits to be told to give it. */
function holdNext(relay: Relay, method: 'claim' | 'accept'): { isHeld: Promise<void>; goOn: () => void } {
  const { store } = relay.app
  const original = store[method].bind(store) as (request: never) => Promise<unknown>
  let goOn = () => {}
  let tell = () => {}
  const isHeld = new Promise<void>((resolve) => (tell = resolve))
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve))
  vi.spyOn(store, method).mockImplementationOnce((async (request: never) => {
    const result = await original(request)
    tell()
    await mayGoOn
    return result
  }) as never)
  return { isHeld, goOn }
}
