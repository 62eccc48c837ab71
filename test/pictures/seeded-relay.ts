import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { systemClock } from '../../src/time/clock.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { Receiver } from '../support/receiver.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'
import { age, drawTraffic } from './traffic.ts'

export interface SeededRelay {
  operatorUrl: string
  /** A credential with a whole story, one of its events, and what is in quarantine. */
  credentialId: string
  eventId: string
  quarantineId: string
  stop(): Promise<void>
}

const BACK_MS = 47 * 60_000
const HOOKS = ['access-log', 'badge-printer', 'door-panel']

/**
 * The real relay with a store in which something has happened: for three quarters of an hour door-panel has refused what
 * it was sent, if `isOnFire`.
 */
export async function startSeededRelay({ isOnFire }: { isOnFire: boolean }): Promise<SeededRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-pictures-'))
  const path = join(folder, 'relay.db')
  const secret = newSecret()
  const receivers = await Promise.all(HOOKS.map(() => Receiver.start()))
  const panel = receivers[2] as Receiver
  const config = readConfig({
    SEAM_WEBHOOK_SECRET: secret,
    HOOKS: JSON.stringify(
      HOOKS.map((name, index) => ({ name, url: receivers[index]?.url, ordering: 'credential' })),
    ),
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    DATABASE_URL: `sqlite:${path}`,
  })
  const log = createLogger('fatal', { write: () => {} })
  const onFatal = (error: Error) => {
    throw error
  }
  const at = (backMs: number) => new Date(systemClock.wallMs() - backMs)
  const credentialId = '5c1f0c7e-2f0b-4b7e-9d43-7f2f7a1d9b10'
  const event = (type: 'issued' | 'reissued' | 'invalidated' | 'deleted', backMs: number, changes = {}) =>
    credentialEvent({
      event_type: `acs_credential.${type}`,
      created_at: at(backMs + 2000).toISOString(),
      occurred_at: at(backMs + 2000).toISOString(),
      ...changes,
    })
  const send = async (url: string, body: object, key = secret) => {
    const { headers, body: text } = signedWebhook(key, JSON.stringify(body))
    const response = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: text as string })
    return (await response.json()) as Record<string, unknown>
  }
  const arrived = (count: number) =>
    until('the deliveries', () => receivers.every(({ received }) => received.length >= count))

  // A while ago.
  const earlier = await createApp({ config, log, clock: systemClock, onFatal })
  const earlierUrl = await earlier.publicListener.listen(config.publicListener)
  earlier.start()
  const story = { acs_credential_id: credentialId }
  const issued = event('issued', BACK_MS, story)
  await send(earlierUrl, issued)
  for (let index = 0; index < 6; index += 1)
    await send(earlierUrl, event(index % 2 ? 'issued' : 'reissued', BACK_MS))
  await arrived(7)
  if (isOnFire) {
    panel.behaviour = (_request, response) =>
      response
        .writeHead(410, { 'content-type': 'text/plain' })
        .end('this panel was replaced; its successor is panel-2')
  }
  const deleted = event('deleted', BACK_MS, story)
  await send(earlierUrl, deleted)
  await send(earlierUrl, event('invalidated', BACK_MS))
  await send(earlierUrl, event('deleted', BACK_MS))
  await arrived(10)
  await earlier.stop()
  age(path, BACK_MS)
  drawTraffic(path, systemClock.wallMs(), HOOKS, isOnFire ? 'door-panel' : null)

  // Now.
  panel.behaviour = 204
  const app = await createApp({ config, log, clock: systemClock, onFatal })
  const url = await app.publicListener.listen(config.publicListener)
  const operatorUrl = await app.operatorListener.listen(config.operatorListener)
  app.start()
  for (let index = 0; index < 5; index += 1) await send(url, event(index % 2 ? 'issued' : 'reissued', 0))
  await arrived(15)
  let quarantineId = ''
  if (isOnFire) {
    const misfit = { ...event('issued', 0), acs_credential_id: undefined, occurred_at: 'yesterday' }
    quarantineId = String((await send(url, misfit))['id'])
    for (let index = 0; index < 4; index += 1) await send(url, event('issued', 0), newSecret())
  }
  return {
    operatorUrl,
    credentialId,
    eventId: deleted.event_id,
    quarantineId,
    async stop() {
      await app.stop()
      await Promise.all(receivers.map((receiver) => receiver.stop()))
      rmSync(folder, { recursive: true })
    },
  }
}
