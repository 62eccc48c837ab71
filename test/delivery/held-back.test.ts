import { expect, test, vi } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test.each([429, 503])(
  'a %d with Retry-After holds the whole hook back, and afterwards everything goes out',
  async (status) => {
    const receiver = await startReceiver((_request, response) =>
      response.writeHead(status, { 'retry-after': '30' }).end(),
    )
    const clock = new ManualClock()
    const relay = await startRelay(hookTo(receiver, { concurrency: 1 }), clock)
    await relay.send(credentialEvent())
    await receiver.hasReceived(1)
    await until('its failure to be known', () =>
      relay.logLines.some(({ msg }) => msg === 'delivery failed, to be tried again'),
    )
    receiver.behaviour = 204
    for (let n = 0; n < 5; n++) await relay.send(credentialEvent())
    for (let passedS = 0; passedS < 29; passedS++) {
      clock.advance(1000)
      await relay.app.store.check()
    }
    expect(receiver.received).toHaveLength(1)
    await until('all to be delivered', () => {
      clock.advance(100)
      return receiver.received.length === 7
    })
  },
)

test('a Retry-After longer than maxDelayMs holds the hook back for maxDelayMs', async () => {
  const receiver = await startReceiver((_request, response) =>
    response.writeHead(503, { 'retry-after': '100000' }).end(),
  )
  const clock = new ManualClock()
  const retry = { initialDelayMs: 1000, maxDelayMs: 2000 }
  const relay = await startRelay(hookTo(receiver, { retry }), clock)
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  receiver.behaviour = 204
  await until('its failure to be known', () =>
    relay.logLines.some(({ msg }) => msg === 'delivery failed, to be tried again'),
  )
  await relay.send(credentialEvent())
  let passedMs = 0
  await until('the other to go out', () => {
    clock.advance(100)
    passedMs += 100
    return receiver.received.length >= 2
  })
  expect(passedMs).toBeGreaterThanOrEqual(2000)
})

test('deliveries that wait when the Retry-After comes go back to the store, where other replicas find them', async () => {
  let answer = () => {}
  const receiver = await startReceiver((_request, response) => {
    answer = () => response.writeHead(503, { 'retry-after': '30' }).end()
  })
  const relay = await startRelay(hookTo(receiver, { concurrency: 1 }), new ManualClock())
  const events = [credentialEvent(), credentialEvent()]
  const states = async () => {
    const histories = await Promise.all(events.map(({ event_id }) => relay.app.reader.deliveriesOf(event_id)))
    return histories.map(([history]) => history?.state)
  }
  const claims = vi.spyOn(relay.app.store, 'claim')
  relay.wakeDelivery()
  await until('a claim that finds nothing', () =>
    claims.mock.settledResults.some(({ type }) => type === 'fulfilled'),
  )
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  for (const event of events) await relay.send(event)
  expect(await states()).toEqual(['leased', 'leased'])
  answer()
  await until('both to be pending', async () => (await states()).every((state) => state === 'pending'))
  expect(receiver.received).toHaveLength(1)
})
