import { describe, expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startRelay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'

describe('a webhook that cannot be verified', () => {
  const body = JSON.stringify(credentialEvent())

  test.each(['svix-id', 'svix-timestamp', 'svix-signature'])(
    'because %s is missing is refused',
    async (name) => {
      const relay = await startRelay()
      const webhook = signedWebhook(relay.secret, body)
      delete webhook.headers[name]
      const answer = await relay.post(webhook)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(answer.body).toEqual({
        type: 'urn:seam-relay:problem:signature_missing',
        title: expect.any(String),
        status: 401,
        code: 'signature_missing',
        detail: expect.any(String),
      })
    },
  )

  test.each([
    ['svix-timestamp', '1731705121abc'],
    ['svix-timestamp', '-5'],
    ['svix-timestamp', '1e9'],
    ['svix-signature', 'garbage'],
    ['svix-signature', 'v1'],
    ['svix-id', 'two words'],
  ])('because %s is "%s" is refused as malformed', async (name, value) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body)
    webhook.headers[name] = value
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'signature_malformed' } })
  })

  test('because another secret signed it, or its body was changed, is refused', async () => {
    const relay = await startRelay()
    expect(await relay.post(signedWebhook(newSecret(), body))).toMatchObject({
      status: 401,
      body: { code: 'signature_mismatch' },
    })
    expect(await relay.post({ ...signedWebhook(relay.secret, body), body: `${body} ` })).toMatchObject({
      status: 401,
      body: { code: 'signature_mismatch' },
    })
  })

  test('because only a signature of another kind came is refused', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body)
    webhook.headers['svix-signature'] = 'v1a,aGVsbG8='
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'signature_mismatch' } })
  })

  test.each([-310, 310])('because its timestamp is %d seconds off is refused', async (seconds) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body, { at: new Date(Date.now() + seconds * 1000) })
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'timestamp_out_of_range' } })
  })

  test.each([-290, 290])('but one whose timestamp is %d seconds off is taken', async (seconds) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body, { at: new Date(Date.now() + seconds * 1000) })
    expect((await relay.post(webhook)).status).toBe(202)
  })
})

describe('the signature headers', () => {
  test('may be named webhook-*, in any case', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
    const renamed = Object.entries(webhook.headers).map(([name, value]) => [
      name.replace('svix-', 'WebHook-'),
      value,
    ])
    expect(
      (await relay.post({ ...webhook, headers: Object.fromEntries(renamed) as Record<string, string> }))
        .status,
    ).toBe(202)
  })

  test('may carry several signatures, of which one fits', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
    const fitting = webhook.headers['svix-signature']
    webhook.headers['svix-signature'] = `v1a,aGVsbG8= v1,${'A'.repeat(43)}= ${fitting}`
    expect((await relay.post(webhook)).status).toBe(202)
  })

  test('may be made with any of the configured secrets', async () => {
    const secrets = [newSecret(), newSecret(), newSecret()]
    const relay = await startRelay({ SEAM_WEBHOOK_SECRET: secrets.join(', ') })
    for (const secret of secrets) {
      expect((await relay.post(signedWebhook(secret, JSON.stringify(credentialEvent())))).status).toBe(202)
    }
  })
})
