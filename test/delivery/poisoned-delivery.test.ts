import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { DeliveryEngine } from '../../src/delivery/engine.ts'
import { HookClient } from '../../src/delivery/hook-client.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import type { AcceptRequest, ClaimedDelivery, Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { acceptance } from '../store/asking.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

// A delivery that no request can be built for. Its webhook id has a line break, which no header can carry.

const POISON = 'bad\nid'
const settings = { retry: { initialDelayMs: 20, maxDelayMs: 40 }, breaker: { failures: 1000 } }

describe.each([
  ['SQLite', async () => ({}) as { DATABASE_URL?: string }],
  ['Postgres', async () => ({ DATABASE_URL: await newDatabase() })],
])('a delivery that cannot be sent, on %s', (_name, newStore) => {
  test('fails and is tried again, and does not keep others from being sent, also after a restart', async () => {
    const receiver = await startReceiver()
    const database = await newStore()
    const first = await startRelay({
      HOOKS: JSON.stringify([{ name: 'late', url: receiver.url }]),
      ...database,
    })
    const poisoned = credentialEvent()
    await first.send(poisoned)
    await receiver.hasReceived(1)
    await first.app.stop()
    const DATABASE_URL = database.DATABASE_URL ?? `sqlite:${first.databasePath}`
    await poison(DATABASE_URL, poisoned.event_id)

    const relay = await startRelay({ ...hookTo(receiver, settings), DATABASE_URL })
    await relay.app.replayMissing('one', {})
    await until('two failed attempts', () => failures(relay).length >= 2)
    const healthy = credentialEvent()
    expect((await relay.send(healthy)).status).toBe(202)
    await receiver.hasReceived(2)
    expect(receiver.received[1]?.headers['webhook-id']).toBe(healthy.event_id)
    expect(failures(relay)[0]).toMatchObject({ webhook_id: POISON, hook: 'one', attempt: 1, status: null })
  })

  test('fails also without a claim, and does not disturb its acceptance', async () => {
    const receiver = await startReceiver()
    const { app } = await startRelay(await newStore())
    const logLines: Record<string, unknown>[] = []
    const write = (line: string) => void logLines.push(JSON.parse(line) as Record<string, unknown>)
    const alerts = { deadLetter: () => {}, breakerOpened: () => {} }
    const engine = new DeliveryEngine({
      store: app.store,
      hooks: [hookOf(receiver.url)],
      clock: systemClock,
      log: createLogger('info', { write }),
      metrics: createMetrics(),
      recorder: { count: () => {}, happened: () => {} },
      alerts,
      random: Math.random,
    })
    onTestFinished(() => engine.stop(0))
    engine.start()
    await acceptReserved(app.store, engine, { ...acceptance(), webhookId: POISON })
    await until('a failed attempt', () => logLines.some(({ code }) => code === 'request_invalid'))
    const healthy = acceptance()
    await acceptReserved(app.store, engine, healthy)
    const [request] = await receiver.hasReceived(1)
    expect(request?.headers['webhook-id']).toBe(healthy.webhookId)
  })
})

test('whatever breaks while a request is built, the attempt ends with an outcome', async () => {
  const client = new HookClient(hookOf('http://127.0.0.1:9/'), systemClock)
  onTestFinished(() => client.close())
  const delivery: ClaimedDelivery = {
    eventSeq: 1,
    hook: 'one',
    webhookId: 'id',
    eventType: 'acs_credential.issued',
    body: '{}',
    leaseToken: 1,
    attempt: 1,
    failures: 0,
    ageMs: 0,
    failingForMs: null,
  }
  const broken = Object.defineProperty(delivery, 'attempt', {
    get: () => {
      throw new Error('broken')
    },
  })
  expect(await client.send(broken).outcome).toMatchObject({
    kind: 'failed',
    record: { errorCode: 'request_invalid', status: null },
    cause: new Error('broken'),
  })
})

/** As the relay accepts, once nothing else is due: so the delivery is leased to the engine without a claim. */
async function acceptReserved(store: Store, engine: DeliveryEngine, request: AcceptRequest): Promise<void> {
  const { webhookId, event } = request
  const { eventType, body } = event
  const reservation = await until('room for it', () => {
    const reserved = engine.reserve(['one'], { webhookId, eventType, body })
    if (reserved.deliveries[0]?.leaseMs !== undefined) return reserved
    reserved.released()
    return null
  })
  const result = await store.accept({ ...request, deliveries: reservation.deliveries })
  if (result.outcome !== 'accepted') throw new Error(result.outcome)
  reservation.accepted(result.eventSeq)
}

function hookOf(url: string): Hook {
  const HOOKS = JSON.stringify([{ name: 'one', url, ...settings }])
  const [hook] = readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS }).hooks
  if (hook === undefined) throw new Error('no hook was read')
  return hook
}

function failures(relay: Relay): Record<string, unknown>[] {
  return relay.logLines.filter(({ code }) => code === 'request_invalid')
}

async function poison(databaseUrl: string, eventId: string): Promise<void> {
  if (databaseUrl.startsWith('postgres')) {
    await sql(databaseUrl, 'update seam_relay.events set webhook_id = $1 where event_id = $2', [
      POISON,
      eventId,
    ])
    return
  }
  const db = new DatabaseSync(databaseUrl.slice('sqlite:'.length))
  db.prepare('update events set webhook_id = ? where event_id = ?').run(POISON, eventId)
  db.close()
}
