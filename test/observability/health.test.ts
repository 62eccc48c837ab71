import { expect, test } from 'vitest'
import { createHealth } from '../../src/observability/health.ts'
import type { Store } from '../../src/store/store.ts'
import { startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test('/livez, /readyz and /health answer 200 while webhooks can be taken, each check by its name', async () => {
  const relay = await startRelay()
  expect((await fetch(`${relay.url}/livez`)).status).toBe(200)
  for (const path of ['/readyz', '/health']) {
    const response = await fetch(`${relay.url}${path}`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ready', checks: { store: 'ok', process: 'ok' } })
  }
})

test('/readyz turns 503 when the store is gone, and webhooks get a 503 with Retry-After', async () => {
  const relay = await startRelay()
  await relay.app.store.close()
  const response = await until('readiness to turn', async () => {
    const probed = await fetch(`${relay.url}/readyz`)
    return probed.status === 503 ? probed : null
  })
  expect(await response.json()).toMatchObject({ status: 'unavailable', checks: { store: 'failing' } })
  const answer = await relay.send({ hello: 'nonsense, but signed' })
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('one check of the store serves everybody who asks at the same time', async () => {
  let checks = 0
  const health = createHealth({ check: async () => void checks++ } as unknown as Store)
  await Promise.all(Array.from({ length: 100 }, () => health.readiness()))
  expect(checks).toBe(1)
  health.beginStop()
  expect(await health.readiness()).toEqual({ ready: false, checks: { store: 'ok', process: 'stopping' } })
})
