import { expect, test } from 'vitest'
import { Retention } from '../../src/store/retention.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const log = { info() {}, error() {} }

test('a pass removes what is delivered and too old, keeps what is not delivered, and still knows a resend', async () => {
  const [good, bad] = [await startReceiver(), await startReceiver(410)]
  const HOOKS = JSON.stringify([
    { name: 'good', url: good.url },
    { name: 'bad', url: bad.url, events: ['acs_credential.deleted'] },
  ])
  const relay = await startRelay({ HOOKS })
  const { store } = relay.app
  const delivered = Array.from({ length: 300 }, () => credentialEvent())
  const dead = credentialEvent({ event_type: 'acs_credential.deleted' })
  await relay.send(dead)
  await Promise.all(delivered.map((event) => relay.send(event)))
  await until('everything to be settled', async () => {
    const metrics = await relay.metrics()
    return (
      metrics.includes('seam_relay_deliveries_settled_total{hook="good",state="delivered"} 301') &&
      metrics.includes('seam_relay_deliveries_settled_total{hook="bad",state="dead"} 1')
    )
  })

  await new Retention({ store, log, payloadAgeMs: -1, dedupAgeMs: 3_600_000 }).round()
  for (const event of delivered) expect(await store.deliveriesOf(event.event_id)).toEqual([])
  expect(await store.deliveriesOf(dead.event_id)).toHaveLength(2)
  expect(await relay.send(delivered[0])).toMatchObject({ status: 200, body: { status: 'duplicate' } })

  // Past the age of the ids too, it is an event like any other.
  await new Retention({ store, log, payloadAgeMs: -1, dedupAgeMs: -1 }).round()
  expect(await relay.send(delivered[0])).toMatchObject({ status: 202, body: { status: 'accepted' } })
  expect(await relay.send(dead)).toMatchObject({ status: 200, body: { status: 'duplicate' } })
})
