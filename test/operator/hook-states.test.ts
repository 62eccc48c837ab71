import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test('a hook that is no longer configured is listed as long as it has deliveries, and without a breaker', async () => {
  const relay = await startRelay(hookTo(await startReceiver(503), { breaker: { failures: 1 } }))
  await relay.send(credentialEvent())
  await until('the breaker to open', async () =>
    (await relay.metrics()).includes(metric('breaker_state', 'open')),
  )
  expect(await relay.metrics()).toContain('seam_relay_hook_configured{hook="one"} 1')

  relay.app.setHooks([])
  const metrics = await relay.metrics()
  expect(metrics).toContain('seam_relay_hook_configured{hook="one"} 0')
  expect(metrics).toContain('seam_relay_deliveries_pending{hook="one"} 1')
  expect(metrics).not.toContain('seam_relay_breaker_state{')
})

test('a hook without deliveries is listed with zeros', async () => {
  const relay = await startRelay(hookTo(await startReceiver()))
  const metrics = await relay.metrics()
  expect(metrics).toContain('seam_relay_deliveries_pending{hook="one"} 0')
  expect(metrics).toContain('seam_relay_oldest_pending_age_seconds{hook="one"} 0')
  expect(metrics).toContain(metric('breaker_state', 'closed'))
})

function metric(name: string, state: string): string {
  return `seam_relay_${name}{hook="one",state="${state}"} 1`
}
