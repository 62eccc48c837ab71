import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const DAY_MS = 86_400_000
const COOLDOWN_MS = 600_000

test('what waited behind the breaker for days is not given up when the first attempts after it fail', async () => {
  let isUp = false
  const receiver = await startReceiver((_request, response) => response.writeHead(isUp ? 204 : 503).end())
  const clock = new ShiftedClock()
  const breaker = { failures: 1, cooldownMs: COOLDOWN_MS }
  const retry = { initialDelayMs: 20, maxDelayMs: 40 }
  const relay = await startRelay(hookTo(receiver, { breaker, retry, concurrency: 1 }), clock)
  const attempts = () => relay.logLines.filter(({ code }) => code === 'http_status')

  const events = [credentialEvent(), credentialEvent(), credentialEvent()]
  await relay.send(events[0])
  await until('the first attempt to fail and open the breaker', () => attempts().length === 1)
  for (const event of events.slice(1)) await relay.send(event)
  clock.skip(4 * DAY_MS)
  for (let probes = 1; probes <= 3; probes++) {
    await until('a probe to fail', () => attempts().length === 1 + probes)
    clock.skip(COOLDOWN_MS + 1)
  }
  isUp = true
  await until('all to be delivered', async () => {
    const states = await Promise.all(events.map(({ event_id }) => relay.app.reader.deliveriesOf(event_id)))
    return states.flat().every(({ state }) => state === 'delivered')
  })
  expect(relay.logLines.filter(({ msg }) => String(msg).includes('given up'))).toEqual([])
})

test('a delivery that goes on failing after its age is given up, an hour after its first failure', async () => {
  const receiver = await startReceiver(503)
  const clock = new ShiftedClock()
  const retry = { initialDelayMs: 20, maxDelayMs: 40, giveUpAfterMs: DAY_MS }
  const relay = await startRelay(hookTo(receiver, { retry, breaker: { failures: 1_000_000 } }), clock)
  const event = credentialEvent()
  await relay.send(event)
  await receiver.hasReceived(4)
  // Of the hour, 40 minutes have passed with failures; the day has not.
  clock.skip(2_400_000)
  await receiver.hasReceived(receiver.received.length + 3)
  clock.skip(DAY_MS)
  await relay.logged('delivery given up: a dead letter')
  const [delivery] = await relay.app.reader.deliveriesOf(event.event_id)
  expect(delivery?.failures).toBeGreaterThanOrEqual(3)
  expect(delivery?.failingSince).toBe(delivery?.records[0]?.startedAt)
})
