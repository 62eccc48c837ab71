import fc from 'fast-check'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook } from 'svix'
import { expect, test } from 'vitest'
import { createSigner } from '../../src/delivery/signature.ts'
import { newSecret } from '../support/signed-webhook.ts'

test("signs the sender's documented example as the sender does", () => {
  const sign = createSigner(['whsec_plJ3nmyCDGBKInavdOK15jsl'])
  const signature = sign(
    'msg_loFOjxBNrRLzqYUf',
    '1731705121',
    '{"event_type":"ping","data":{"success":true}}',
  )
  expect(signature).toBe('v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=')
})

test('signs any text with each secret as both libraries do', () => {
  const secrets = [newSecret(), newSecret()]
  const sign = createSigner(secrets)
  const seconds = fc.integer({ min: 0, max: 9_999_999_999 })
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), seconds, fc.string({ unit: 'binary' }), (id, at, body) => {
      const date = new Date(at * 1000)
      for (const library of [Webhook, StandardWebhook]) {
        const signatures = secrets.map((secret) => new library(secret).sign(id, date, body))
        expect(sign(id, String(at), body)).toBe(signatures.join(' '))
      }
    }),
  )
})
