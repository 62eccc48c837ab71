import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { ConfigError } from '../../src/config/mistake.ts'
import { signingKey } from '../../src/config/secret.ts'
import { startRelay } from '../support/relay.ts'
import { signedWebhook } from '../support/signed-webhook.ts'

/** The example of the sender's own documentation. Its key has 18 bytes. */
const DOCUMENTED = {
  secret: 'whsec_plJ3nmyCDGBKInavdOK15jsl',
  id: 'msg_loFOjxBNrRLzqYUf',
  timestamp: '1731705121',
  body: '{"event_type":"ping","data":{"success":true}}',
  signature: 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
}

describe('the secret of Seam’s sender', () => {
  test.each([16, 18, 23, 24, 64, 65, 75, 1024])('may have %d bytes', (bytes) => {
    const secret = secretOf(bytes)
    expect(readConfig({ HOOKS: '[]', SEAM_WEBHOOK_SECRET: secret }).seamWebhookSecrets).toEqual([secret])
  })

  test.each([1, 15, 1025])('may not have %d bytes', (bytes) => {
    expect(() => readConfig({ HOOKS: '[]', SEAM_WEBHOOK_SECRET: secretOf(bytes) })).toThrow(ConfigError)
  })

  test.each([24, 1024])('of %d bytes brings no warning', (bytes) => {
    expect(readConfig({ HOOKS: '[]', SEAM_WEBHOOK_SECRET: secretOf(bytes) }).warnings).toEqual([])
  })

  test('of fewer than 24 bytes brings one warning, which says how many, and never shows it', () => {
    const { warnings } = readConfig({ HOOKS: '[]', SEAM_WEBHOOK_SECRET: DOCUMENTED.secret })
    expect(warnings).toEqual([
      {
        where: 'SEAM_WEBHOOK_SECRET',
        advice: expect.stringMatching(/^a key of 18 bytes is accepted, but 24 or more/),
      },
    ])
    expect(JSON.stringify(warnings)).not.toContain(DOCUMENTED.secret.slice(6, 14))
  })

  test('brings one warning also where several are short, with the number of each', () => {
    const SEAM_WEBHOOK_SECRET = [secretOf(16), secretOf(32), secretOf(20)].join(',')
    const { warnings } = readConfig({ HOOKS: '[]', SEAM_WEBHOOK_SECRET })
    expect(warnings.map(({ advice }) => advice)).toEqual([
      expect.stringMatching(/^a key of 16 bytes \(number 1 of 3\), 20 bytes \(number 3 of 3\) is accepted/),
    ])
  })
})

describe('the secret of a hook', () => {
  test.each([16, 23, 65])('may not have %d bytes, although an incoming one may', (bytes) => {
    const hook = { name: 'one', url: 'http://x', secrets: [secretOf(bytes)] }
    const environment = { SEAM_WEBHOOK_SECRET: secretOf(24), HOOKS: JSON.stringify([hook]) }
    expect(() => readConfig(environment)).toThrow(
      'HOOKS[0].secrets[0]: expected whsec_ and the base64 of 24 to 64',
    )
  })
})

test('the sender’s documented signature comes out of the documented secret, time and body', () => {
  const { secret, id, timestamp, body, signature } = DOCUMENTED
  const mac = createHmac('sha256', signingKey(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
  expect(`v1,${mac}`).toBe(signature)
})

test('a webhook signed with the documented 18-byte secret is taken, and one signed with another is not', async () => {
  const relay = await startRelay({ SEAM_WEBHOOK_SECRET: DOCUMENTED.secret })
  const taken = await relay.post(signedWebhook(DOCUMENTED.secret, '{"success":true}'))
  expect(taken).toMatchObject({ status: 200, body: { status: 'ignored' } })
  const refused = await relay.post(signedWebhook(secretOf(18), '{"success":true}'))
  expect(refused).toMatchObject({ status: 401, body: { code: 'signature_mismatch' } })
})

function secretOf(bytes: number): string {
  return `whsec_${Buffer.alloc(bytes, 'key').toString('base64')}`
}
