import { inject, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { ShiftedClock } from '../support/manual-clock.ts'
import { newDatabase } from '../support/postgres.ts'
import { startPostgresServer } from '../support/postgres-server.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { change } from '../store/store-file.ts'
import { until } from '../support/until.ts'

/** Longer than one reading of the store serves. */
const NEXT_READING_MS = 6000

test.each<[string, () => Promise<Record<string, string>>]>([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await newDatabase() })],
])('on %s, what is in quarantine is counted, with the age of the oldest', async (name, storeOf) => {
  const clock = new ShiftedClock()
  const relay = await startRelay(await storeOf(), clock)
  expect(await quarantine(relay)).toEqual({ open: 0, oldestSeconds: 0 })
  await relay.send('not JSON')
  clock.skip(NEXT_READING_MS)
  await relay.send('not JSON either')
  const { open, oldestSeconds } = await quarantine(relay)
  expect(open).toBe(2)
  // Postgres goes by its own clock.
  expect(oldestSeconds).toBeGreaterThan(name === 'SQLite' ? NEXT_READING_MS / 1000 - 1 : 0)
})

test('a SQLite store that cannot be read is told as down, without old figures, and as up when it can be again', async () => {
  const clock = new ShiftedClock()
  const relay = await startRelay(hookTo(await startReceiver(500)), clock)
  await relay.send(credentialEvent())
  expect(await relay.metrics()).toMatch(STORE_GAUGES)
  expect(await relay.metric('seam_relay_store_up')).toBe(1)

  change(relay.databasePath, 'alter table quarantine rename to away')
  clock.skip(NEXT_READING_MS)
  await expectDown(relay)

  change(relay.databasePath, 'alter table away rename to quarantine')
  expect(await relay.metric('seam_relay_store_up')).toBe(1)
  expect(await relay.metrics()).toMatch(STORE_GAUGES)
})

test('a Postgres that is stopped under the relay is told as down, without old figures, and as up when it is back', async () => {
  const server = await startPostgresServer({ program: inject('postgresProgram') })
  onTestFinished(() => server.remove())
  const clock = new ShiftedClock()
  const relay = await startRelay({ DATABASE_URL: server.url(), ...hookTo(await startReceiver(500)) }, clock)
  await relay.send(credentialEvent())
  expect(await relay.metrics()).toMatch(STORE_GAUGES)
  expect(await relay.metric('seam_relay_store_up')).toBe(1)

  await server.stop()
  clock.skip(NEXT_READING_MS)
  await expectDown(relay)

  await server.start()
  await until('it to be read again', async () => (await relay.metric('seam_relay_store_up')) === 1)
  expect(await relay.metrics()).toMatch(STORE_GAUGES)
})

const STORE_GAUGES =
  /^seam_relay_(deliveries_(pending|dead)|oldest_pending_age_seconds|quarantine_(open|oldest_age_seconds))[ {]/m

async function expectDown(relay: Relay): Promise<void> {
  const metrics = await relay.metrics()
  expect(metrics).toContain('seam_relay_store_up 0')
  expect(metrics).not.toMatch(STORE_GAUGES)
  // What the process knows by itself is told all the same.
  expect(metrics).toContain('seam_relay_hook_configured{hook="one"} 1')
  expect(metrics).toMatch(/^seam_relay_breaker_state\{hook="one",state="closed"\} [01]$/m)
  expect(metrics).toMatch(/^seam_relay_webhooks_total\{outcome="accepted"\} 1$/m)
}

async function quarantine(relay: Relay) {
  return {
    open: await relay.metric('seam_relay_quarantine_open'),
    oldestSeconds: await relay.metric('seam_relay_quarantine_oldest_age_seconds'),
  }
}
