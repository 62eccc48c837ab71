import { METHODS } from 'node:http'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { rawAnswer } from '../support/raw-http.ts'
import { startRelay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'

test.each(METHODS.filter((method) => !['POST', 'CONNECT'].includes(method)))(
  'the method %s is told to post',
  async (method) => {
    const relay = await startRelay()
    const answer = await rawAnswer(
      relay.url,
      `${method} /webhooks/seam HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    )
    expect(answer).toContain('HTTP/1.1 405')
    expect(answer).toMatch(/^allow: POST\r$/im)
    expect(answer).toMatch(/^content-type: application\/problem\+json/im)
  },
)

test('on another path nothing is there', async () => {
  const relay = await startRelay()
  const elsewhere = await fetch(`${relay.url}/metrics`)
  expect(elsewhere.status).toBe(404)
  expect(await elsewhere.json()).toMatchObject({ code: 'not_found', status: 404 })
})

test('every outcome is counted', async () => {
  const relay = await startRelay()
  const event = credentialEvent()
  await relay.send(event)
  await relay.send(event)
  await relay.send({ success: true })
  await relay.send('nonsense')
  await relay.post(signedWebhook(newSecret(), '{}'))
  await relay.post({ headers: {}, body: 'x'.repeat(300_000) })
  const metrics = await relay.metrics()
  for (const outcome of [
    'accepted',
    'duplicate',
    'ignored',
    'quarantined',
    'signature_mismatch',
    'body_too_large',
  ]) {
    expect(metrics).toContain(`seam_relay_webhooks_total{outcome="${outcome}"} 1`)
  }
})
