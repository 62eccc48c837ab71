import { expect, test } from 'vitest'
import { serverLine } from '../../../src/commands/doctor/server-line.ts'

const URL_OF_HOOK = new URL('https://hook.example.com/seam?key=s3cret')
const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

const answered = (expiresAt: number, problem: string | null = null) => ({
  kind: 'answered' as const,
  status: 404,
  certificate: { expiresAt, problem },
  aheadMs: 0,
})

test.each([
  ['good', answered(NOW + 80 * DAY_MS), 'ok', 'answers; its certificate is good for 80 days'],
  ['expiring soon', answered(NOW + 13 * DAY_MS), 'look', 'its certificate expires in 13 days'],
  ['expired', answered(NOW - 3 * DAY_MS, 'CERT_HAS_EXPIRED'), 'wrong', 'its certificate expired 3 days ago'],
  [
    'for another name',
    answered(NOW + DAY_MS, 'ERR_TLS_CERT_ALTNAME_INVALID'),
    'wrong',
    'is for another name',
  ],
  [
    'signed by itself',
    answered(NOW + DAY_MS, 'DEPTH_ZERO_SELF_SIGNED_CERT'),
    'wrong',
    'has signed its certificate',
  ],
  ['refused otherwise', answered(NOW + DAY_MS, 'CERT_REVOKED'), 'wrong', 'is refused (CERT_REVOKED)'],
  ['without an end', answered(Number.NaN), 'ok', 'its certificate is good'],
])('a certificate that is %s', (_what, reached, state, text) => {
  const line = serverLine('hook one', URL_OF_HOOK, reached, NOW)
  expect(line).toMatchObject({ about: 'hook one', state, text: expect.stringContaining(text) as string })
  expect(JSON.stringify(line)).not.toContain('s3cret')
})

test.each([
  ['ENOTFOUND', 'its name is not known', 'name service'],
  ['ECONNREFUSED', 'nothing listens there', 'Start it'],
  ['ETIMEDOUT', 'no answer came in time', 'firewall'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the TLS handshake failed', 'begins with http:'],
])('%s says why, and what to do', (code, text, advice) => {
  const error = Object.assign(new Error('secret detail'), { code })
  expect(serverLine('alerts', URL_OF_HOOK, { kind: 'unreached', error }, NOW)).toEqual({
    about: 'alerts',
    state: 'wrong',
    text: expect.stringContaining(text) as string,
    advice: expect.stringContaining(advice) as string,
  })
})

test('a server that takes the connection and says nothing in HTTP is wrong', () => {
  const error = Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CONSTANT' })
  const reached = { kind: 'connected' as const, error, certificate: null }
  const line = serverLine('hook one', new URL('http://10.0.0.1:5432/'), reached, NOW)
  expect(line).toMatchObject({
    state: 'wrong',
    text: expect.stringContaining('does not speak HTTP') as string,
  })
})
