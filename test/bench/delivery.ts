import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { systemClock } from '../../src/time/clock.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { median } from './measurement.ts'
import { sendLoad, startReceiver, startRelay } from './processes.ts'

// What a receiver that is in trouble costs the others, what a backlog costs at the start, and what history costs.

/** @returns lines of a report */
export async function measureDelivery(secret: string, rounds: number, count: number): Promise<string[]> {
  const lines = []
  const ratios = []
  for (let round = 0; round < rounds; round++) {
    const alone = await healthyPerSecond(secret, count, false)
    const besideDead = await healthyPerSecond(secret, count, true)
    ratios.push(besideDead / alone)
    lines.push(
      `healthy hook alone ${alone.toFixed(0)}/s, beside one that never answers ${besideDead.toFixed(0)}/s`,
    )
  }
  lines.push(`median ratio ${median(ratios).toFixed(2)}`, await measureBacklog(secret, 100_000))
  lines.push(await compareClaims(1000, 1_000_000))
  return lines
}

async function healthyPerSecond(secret: string, count: number, withDead: boolean): Promise<number> {
  const receiver = await startReceiver()
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const hooks = [
    { name: 'healthy', url: `http://127.0.0.1:${receiver.port}/`, concurrency: 64, secrets: [secret] },
  ]
  const dead = {
    name: 'dead',
    url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`,
    timeoutMs: 2000,
  }
  const relay = await startRelay(secret, withDead ? [...hooks, dead] : hooks)
  const settled = async (total: number) => {
    while ((await receiver.count()) < total) await delay(5)
    while ((await relay.counter('seam_relay_deliveries_settled_total', 'hook="healthy"')) < total)
      await delay(5)
  }
  const load = (events: number) =>
    sendLoad({ ports: [relay.port], path: '/webhooks/seam', secret, count: events, connections: 64 })
  await load(2000)
  await settled(2000)
  const { startedAt } = await load(count)
  await settled(2000 + count)
  const seconds = (Date.now() - startedAt) / 1000
  await relay.stop()
  await receiver.stop()
  silent.close()
  return count / seconds
}

async function measureBacklog(secret: string, pending: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  await fill(join(folder, 'relay.db'), pending)
  const receiver = await startReceiver()
  const hook = { name: 'one', url: `http://127.0.0.1:${receiver.port}/`, concurrency: 64, secrets: [secret] }
  const startedAt = performance.now()
  const relay = await startRelay(secret, [hook], `sqlite:${join(folder, 'relay.db')}`)
  while ((await receiver.count()) === 0) await delay(5)
  const firstMs = performance.now() - startedAt
  while ((await receiver.count()) < pending) await delay(50)
  const seconds = (performance.now() - startedAt) / 1000
  const peak = relay.peakMemoryMiB()
  await relay.stop()
  await receiver.stop()
  rmSync(folder, { recursive: true })
  return (
    `${pending} pending at the start: first out after ${firstMs.toFixed(0)} ms from the start of the process, ` +
    `all after ${seconds.toFixed(1)} s, peak ${peak.toFixed(0)} MiB`
  )
}

async function fill(path: string, pending: number): Promise<void> {
  const store = await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock })
  for (let at = 0; at < pending; at += 500) {
    await Promise.all(Array.from({ length: Math.min(500, pending - at) }, () => acceptOne(store)))
  }
  await store.close()
}

function acceptOne(store: SqliteStore) {
  const sent = credentialEvent()
  return store.accept({
    dedupKey: sent.event_id,
    webhookId: sent.event_id,
    messageId: `msg_${sent.event_id}`,
    source: 'webhook',
    deliveries: [{ hook: 'one' }],
    event: {
      eventId: sent.event_id,
      eventType: sent.event_type,
      workspaceId: sent.workspace_id,
      credentialId: sent.acs_credential_id,
      systemId: sent.acs_system_id,
      accountId: sent.connected_account_id ?? null,
      occurredAt: sent.occurred_at,
      createdAt: sent.created_at,
      isSample: false,
      contentHash: sent.event_id,
      body: JSON.stringify(sent),
    },
  })
}

/** What a claim of 64 takes with little and with much history, each with 20,000 pending; turn by turn, plain and ordered. */
async function compareClaims(few: number, many: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const stores = []
  for (const settled of [few, many]) {
    const path = join(folder, `${settled}.db`)
    await (await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock })).close()
    writeHistory(path, settled)
    await fill(path, 20_000)
    stores.push({
      settled,
      times: [] as number[],
      store: await SqliteStore.open({ path, lockWaitMs: 1000, clock: systemClock }),
    })
  }
  for (let call = 0; call < 300; call++) {
    for (const { store, times } of stores) {
      const startedAt = performance.now()
      await store.claim([
        { hook: 'one', limit: 64, maxBytes: 8_388_608, leaseMs: 600_000, ordered: call % 2 === 1 },
      ])
      times.push(performance.now() - startedAt)
    }
  }
  for (const { store } of stores) await store.close()
  rmSync(folder, { recursive: true })
  const [fewMs, manyMs] = stores.map(({ times }) => median(times)) as [number, number]
  return `claim of 64 with ${few} settled ${fewMs.toFixed(2)} ms, with ${many} settled ${manyMs.toFixed(2)} ms: ratio ${(manyMs / fewMs).toFixed(2)}`
}

function writeHistory(path: string, settled: number): void {
  const db = new DatabaseSync(path)
  const [id, event, delivery, attempt] = [
    `insert into event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at) values (?1, ?2, 'x', 1, 1)`,
    `insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
       is_sample, accepted_at, body) values (?1, ?2, ?2, 'm', 'acs_credential.issued', 'w', ?2, 't', 0, 1, ?3)`,
    `insert into deliveries (event_seq, hook, state, attempts, active_since, settled_at, order_key)
       values (?1, 'one', 'delivered', 1, 1, 1, ?2)`,
    `insert into attempts (event_seq, hook, attempt, started_at, duration_ms, status) values (?1, 'one', 1, 1, 5, 204)`,
  ].map((sql) => db.prepare(sql))
  const body = 'x'.repeat(420)
  db.exec('begin')
  for (let seq = 1; seq <= settled; seq++) {
    const key = randomUUID()
    id?.run(seq, key)
    event?.run(seq, key, body)
    delivery?.run(seq, key)
    attempt?.run(seq)
  }
  db.exec('commit')
  db.close()
}
