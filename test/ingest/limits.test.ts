import { describe, expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { rawAnswer } from '../support/raw-http.ts'
import { startRelay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'

describe('size', () => {
  test('over the limit is refused by its content-length, signed or not', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const body = JSON.stringify(credentialEvent({ more: 'x'.repeat(3000) }))
    expect(await relay.post(signedWebhook(relay.secret, body))).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    })
    expect(await relay.post({ headers: {}, body })).toMatchObject({ status: 413 })
  })

  test('over the limit is refused when it comes in chunks without a length', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const { headers } = signedWebhook(relay.secret, 'x')
    const body = new ReadableStream({
      start(controller) {
        for (let chunk = 0; chunk < 40; chunk++) controller.enqueue(Buffer.alloc(1000, 'x'))
        controller.close()
      },
    })
    const response = await fetch(`${relay.url}/webhooks/seam`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'body_too_large' })
  })

  test('up to the limit is taken', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const padding = 2048 - JSON.stringify(credentialEvent({ more: '' })).length
    const body = JSON.stringify(credentialEvent({ more: 'x'.repeat(padding) }))
    expect(body.length).toBe(2048)
    expect((await relay.send(body)).status).toBe(202)
  })
})

describe('too many requests', () => {
  test('from one address are refused with Retry-After', async () => {
    const relay = await startRelay({ RATE_LIMIT_PER_MINUTE: '3' })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await relay.send(credentialEvent())).status)
    expect(statuses).toEqual([202, 202, 202])
    const answer = await relay.send(credentialEvent())
    expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('that fail verification shut that address out before its body is read', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '3' })
    const forge = () => relay.post(signedWebhook(newSecret(), '{}'))
    const codes = []
    for (let count = 0; count < 3; count++) codes.push((await forge()).body['code'])
    expect(codes).toEqual(['signature_mismatch', 'signature_mismatch', 'signature_mismatch'])
    expect(await forge()).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(await relay.send(credentialEvent())).toMatchObject({ status: 429 })
    const answer = await rawAnswer(relay.url, headersAlone(signedWebhook(newSecret(), '{}').headers))
    expect(answer).toContain('HTTP/1.1 429')
  })

  test('that fail verification do not shut out an address that verified webhooks come from', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '3' })
    expect((await relay.send(credentialEvent())).status).toBe(202)
    for (let count = 0; count < 6; count++) {
      expect((await relay.post(signedWebhook(newSecret(), '{}'))).status).toBe(401)
    }
    expect((await relay.send(credentialEvent())).status).toBe(202)
  })
})

/** A request's headers, which promise a body that never comes. */
function headersAlone(headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /webhooks/seam HTTP/1.1\r\nhost: x\r\n${lines.join('')}content-length: 1000\r\n\r\n`
}
