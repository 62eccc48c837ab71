import { expect, test } from 'vitest'
import { SESSION_MS } from '../../src/operator/access.ts'
import { startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { ShiftedClock } from '../support/manual-clock.ts'

const TOKENS = { OPERATOR_TOKEN: 'correct horse', OPERATOR_READ_TOKEN: 'battery staple' }

test('signing in gives a cookie that scripts cannot read and that other sites do not send', async () => {
  const relay = await startRelay(TOKENS)
  const { statusCode, body, cookie } = await signIn(relay, 'correct horse')
  expect([statusCode, body]).toEqual([200, { may: 'act' }])
  expect(cookie).toMatch(/^seam_relay_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
  expect(await statusWith(relay, cookie)).toBe(200)
  const read = await signIn(relay, 'battery staple')
  expect(read.body).toEqual({ may: 'read' })
  expect(await statusWith(relay, read.cookie)).toBe(200)
  expect(await statusWith(relay, 'seam_relay_session=act.99999999999999.x')).toBe(401)
})

test.each([
  ['x-forwarded-proto', 'https'],
  ['forwarded', 'for=1.2.3.4;proto=https'],
  ['origin', 'https://localhost:80'],
])('the cookie is for TLS alone where the browser speaks TLS, as %s tells', async (name, value) => {
  const relay = await startRelay(TOKENS)
  const { cookie } = await signIn(relay, 'correct horse', { host: 'localhost:80', [name]: value })
  expect(cookie).toContain('; Secure')
})

test('a sign-in ends after twelve hours, and at once by signing out', async () => {
  const clock = new ShiftedClock()
  const relay = await startRelay(TOKENS, clock)
  const { cookie } = await signIn(relay, 'correct horse')
  const out = await relay.app.operatorListener.inject({
    method: 'DELETE',
    url: '/session',
    headers: { cookie },
  })
  expect(String(out.headers['set-cookie'])).toContain('seam_relay_session=; Max-Age=0')
  clock.skip(SESSION_MS - 60_000)
  expect(await statusWith(relay, cookie)).toBe(200)
  clock.skip(60_000)
  expect(await statusWith(relay, cookie)).toBe(401)
})

test('past thirty wrong tokens in a minute from one address, no token from there is looked at', async () => {
  const clock = new ShiftedClock()
  const relay = await startRelay(TOKENS, clock)
  const { cookie } = await signIn(relay, 'correct horse')
  for (let tries = 0; tries < 15; tries++) {
    expect((await signIn(relay, `guess ${tries}`)).statusCode).toBe(401)
    expect(await bearerStatus(relay, `guess ${tries}`)).toBe(401)
  }
  const refused = await signIn(relay, 'correct horse')
  expect([refused.statusCode, refused.body['code']]).toEqual([429, 'rate_limited'])
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(await bearerStatus(relay, 'correct horse')).toBe(429)
  expect(await bearerStatus(relay, 'correct horse', '10.9.8.7')).toBe(200)
  // Who has signed in already goes on.
  expect(await statusWith(relay, cookie)).toBe(200)
  clock.skip(60_000)
  expect(await bearerStatus(relay, 'correct horse')).toBe(200)
})

test('the read token reads, and is refused whatever changes something, known or not', async () => {
  const relay = await startRelay(TOKENS)
  const headers = { authorization: 'Bearer battery staple' }
  const { operatorListener } = relay.app
  expect((await operatorListener.inject({ url: '/metrics', headers })).statusCode).toBe(200)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await operatorListener.inject({ method, url: '/api/nothing', headers })
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([403, 'read_only'])
  }
})

test('who has no token learns nothing: not even whether a call exists', async () => {
  const relay = await startRelay(TOKENS)
  for (const url of [
    '/metrics',
    '/openapi.json',
    '/api/overview',
    '/api/nothing',
    '/nothing',
    '/../etc/passwd',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'] as const) {
      const { statusCode, headers } = await relay.app.operatorListener.inject({ method, url })
      expect([method, url, statusCode, headers['www-authenticate']]).toEqual([method, url, 401, 'Bearer'])
    }
  }
})

test('without a token nobody has to sign in, and no cookie is given', async () => {
  const relay = await startRelay()
  const { statusCode, body, headers } = await signIn(relay, 'anything')
  expect([statusCode, body, headers['set-cookie']]).toEqual([200, { may: 'act' }, undefined])
})

test('every answer tells a browser to run and load nothing, and no cache to keep it', async () => {
  const relay = await startRelay(TOKENS)
  for (const url of ['/metrics', '/openapi.json', '/nothing', '/session']) {
    for (const authorization of ['Bearer correct horse', 'Bearer wrong']) {
      const { headers } = await relay.app.operatorListener.inject({ url, headers: { authorization } })
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      expect(headers).not.toHaveProperty('strict-transport-security')
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
  }
})

test.each([
  [
    'a field that there is not',
    { token: 'x', remember: true },
    'There is no field "remember". Nothing was done.',
  ],
  ['a field that is missing', {}, 'The field "token" is missing. Nothing was done.'],
  ['a field of another type', { token: 5 }, 'The field "token" must be string. Nothing was done.'],
])('%s is refused and named', async (_, payload, detail) => {
  const relay = await startRelay(TOKENS)
  const answer = await relay.app.operatorListener.inject({ method: 'POST', url: '/session', payload })
  expect([answer.statusCode, answer.json()]).toMatchObject([400, { code: 'request_invalid', detail }])
})

test('a token never comes back in an answer, nor does it reach the log', async () => {
  const relay = await startRelay(TOKENS)
  const { body, cookie } = await signIn(relay, 'correct horse')
  const wrong = await signIn(relay, 'a secret typed by mistake')
  const texts = JSON.stringify([body, cookie, wrong.body, relay.logLines])
  for (const secret of ['correct horse', 'battery staple', 'typed by mistake'])
    expect(texts).not.toContain(secret)
})

async function signIn({ app }: Relay, token: string, headers: Record<string, string> = {}) {
  const payload = { token }
  const answer = await app.operatorListener.inject({ method: 'POST', url: '/session', payload, headers })
  return {
    statusCode: answer.statusCode,
    headers: answer.headers,
    body: answer.json<Record<string, unknown>>(),
    cookie: String(answer.headers['set-cookie']),
  }
}

async function statusWith({ app }: Relay, cookie: string): Promise<number> {
  return (await app.operatorListener.inject({ url: '/metrics', headers: { cookie } })).statusCode
}

async function bearerStatus({ app }: Relay, token: string, remoteAddress = '127.0.0.1'): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await app.operatorListener.inject({ url: '/metrics', headers, remoteAddress })).statusCode
}

test('the page and its files need no token, and may run nothing that did not come with them', async () => {
  const relay = await startRelay(TOKENS)
  const { statusCode, headers, body } = await relay.app.operatorListener.inject('/')
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("require-trusted-types-for 'script'")
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/)
  const files = [...body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path as string)
  expect(files.length).toBeGreaterThan(1)
  for (const url of files) expect((await relay.app.operatorListener.inject(url)).statusCode).toBe(200)
  expect((await relay.app.operatorListener.inject('/page/none.js')).statusCode).toBe(401)
})
