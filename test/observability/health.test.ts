import { renameSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createHealth } from '../../src/observability/health.ts'
import { StoreError } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
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

test('one check of the store serves everybody who asks within a second', async () => {
  let checks = 0
  const clock = new ManualClock()
  const health = createHealth(clock)
  health.opened({ check: async () => void checks++ })
  await Promise.all(Array.from({ length: 100 }, () => health.readiness()))
  expect(checks).toBe(1)
  clock.advance(1000)
  await health.readiness()
  expect(checks).toBe(1)
  clock.advance(1)
  await health.readiness()
  expect(checks).toBe(2)
  health.beginStop()
  expect(await health.readiness()).toEqual({ ready: false, checks: { store: 'ok', process: 'stopping' } })
})

test('a store that does not answer for five seconds is failing, and is not asked again until it has', async () => {
  let checks = 0
  let answer = () => {}
  const clock = new ManualClock()
  const store = {
    check: () => {
      checks++
      return new Promise<void>((resolve) => (answer = resolve))
    },
  }
  const health = createHealth(clock)
  health.opened(store)
  for (let round = 0; round < 2; round++) {
    const readiness = health.readiness()
    clock.advance(5000)
    expect(await readiness).toMatchObject({
      ready: false,
      checks: { store: 'failing' },
      reason: 'the store does not answer',
    })
  }
  expect(checks).toBe(1)
  answer()
  await until('the next check to be made', () => {
    clock.advance(1001)
    void health.readiness()
    return checks === 2
  })
})

test('a webhook that could not be stored turns readiness at once, until a check has succeeded again', async () => {
  const clock = new ManualClock()
  const health = createHealth(clock)
  health.opened({ check: async () => {} })
  expect(await health.readiness()).toMatchObject({ ready: true })
  health.acceptanceFailed(new StoreError('store_overloaded', 'too many calls wait for the store'))
  expect(await health.readiness()).toMatchObject({ ready: true })
  health.acceptanceFailed(new StoreError('store_failing', 'the disk is full'))
  expect(await health.readiness()).toMatchObject({ ready: false, reason: 'the disk is full' })
  clock.advance(1001)
  expect(await health.readiness()).toMatchObject({ ready: true })
})

test("a store's file that is moved away turns readiness and is logged once, and once when it is back", async () => {
  const relay = await startRelay()
  const path = relay.databasePath
  const readyz = async () => (await fetch(`${relay.url}/readyz`)).status
  renameSync(path, `${path}.away`)
  for (let n = 0; n < 3; n++) expect(await relay.send(credentialEvent())).toMatchObject({ status: 503 })
  expect(await readyz()).toBe(503)
  renameSync(`${path}.away`, path)
  expect(await relay.send(credentialEvent())).toMatchObject({ status: 202 })
  await until('the relay to be ready', async () => (await readyz()) === 200)
  const lines = relay.logLines.filter(({ msg }) => (msg as string).startsWith("the store's file"))
  expect(lines).toMatchObject([
    { level: 50, file: path, msg: "the store's file was removed or replaced: put it back, or restart" },
    { level: 30, msg: "the store's file is back, webhooks are taken again" },
  ])
})
