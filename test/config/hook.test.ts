import { expect, test } from 'vitest'
import { mistakesOf, readHook, withHook } from './reading.ts'

test.each([
  ['name', 'Upper'],
  ['name', ''],
  ['name', 'a'.repeat(65)],
  ['name', 'under_score'],
  ['events', []],
  ['events', ['*', 'Device']],
  ['workspaces', []],
  ['workspaces', ['not-a-uuid']],
  ['systems', []],
  ['accounts', ['not-a-uuid']],
  ['timeoutMs', 0],
  ['timeoutMs', 1.5],
  ['timeoutMs', '5000'],
  ['concurrency', 0],
  ['concurrency', 1025],
  ['maxPerSecond', -1],
  ['ordering', 'event'],
  ['retry', null],
  ['breaker', { failures: 0 }],
  ['breaker', { cooldownMs: 2_147_483_648 }],
])('a hook with %s %j is refused, and the mistake names the setting', (field, value) => {
  const mistakes = mistakesOf(withHook({ [field]: value }))
  expect(mistakes).toHaveLength(1)
  expect(mistakes[0]?.where).toMatch(new RegExp(`^HOOKS\\[0\\]\\.${field}\\b`))
})

test('a setting that does not exist is refused, at any depth', () => {
  const mistakes = mistakesOf(withHook({ timeout: 5, retry: { times: 3 }, breaker: { open: true } }))
  expect(mistakes).toHaveLength(3)
  expect(mistakes).toEqual(
    expect.arrayContaining(
      ['HOOKS[0].timeout', 'HOOKS[0].retry.times', 'HOOKS[0].breaker.open'].map((where) => ({
        where,
        expected: 'no such setting',
        found: 'a setting of that name',
      })),
    ),
  )
})

test('a longest delay below the first delay is refused, also where one of them is the default', () => {
  expect(mistakesOf(withHook({ retry: { initialDelayMs: 100, maxDelayMs: 99 } }))).toEqual([
    {
      where: 'HOOKS[0].retry.maxDelayMs',
      expected: 'at least retry.initialDelayMs (100)',
      found: '99',
    },
  ])
  expect(mistakesOf(withHook({ retry: { maxDelayMs: 999 } }))).toHaveLength(1)
  expect(mistakesOf(withHook({ retry: { maxDelayMs: 0 } }))).toEqual([
    {
      where: 'HOOKS[0].retry.maxDelayMs',
      expected: 'a whole number of milliseconds, 1 to 604800000',
      found: '0',
    },
  ])
  expect(readHook({ name: 'one', url: 'http://x', retry: { maxDelayMs: 1000 } }).retry.maxDelayMs).toBe(1000)
})

test.each([
  'example.com/hook',
  'ftp://example.com',
  'https://user@example.com',
  'https://user:password@example.com',
  'https://:password@example.com',
  'http://',
  '',
])('a hook with the URL "%s" is refused', (url) => {
  const found = url === '' ? 'an empty string' : `a string of ${url.length} characters (not shown)`
  expect(mistakesOf(withHook({ url }))).toEqual([
    { where: 'HOOKS[0].url', expected: 'an http: or https: URL without user name and password', found },
  ])
})

test.each([
  'content-type',
  'Content-Length',
  'HOST',
  'user-agent',
  'connection',
  'transfer-encoding',
  'expect',
  'proxy-authorization',
  'webhook-id',
  'Webhook-Signature',
  'seam-relay-attempt',
  'traceparent',
])('a hook with the header %s, which seam-relay sets itself, is refused', (name) => {
  expect(mistakesOf(withHook({ headers: { [name]: 'x' } }))).toEqual([
    { where: `HOOKS[0].headers.${name}`, expected: 'no header that seam-relay sets itself', found: 'one' },
  ])
})

test.each([
  ['x-break', 'line\r\nanother: one'],
  ['x-nul', '\0'],
  ['x-wide', 'Ā'],
])('a hook with the header %j and the invalid value %j is refused', (name, value) => {
  expect(mistakesOf(withHook({ headers: { [name]: value } }))).toMatchObject([
    { where: `HOOKS[0].headers.${name}`, expected: 'a valid value of an HTTP header' },
  ])
})

test.each(['two words', 'colon:', 'authorization: Bearer token', 'ä', ''])(
  'a hook with the invalid header name "%s" is refused, and the mistake gives its number',
  (name) => {
    const found = name === '' ? 'an empty string' : `a string of ${name.length} characters (not shown)`
    expect(mistakesOf(withHook({ headers: { 'x-good': 'x', [name]: 'x' } }))).toEqual([
      { where: 'HOOKS[0].headers (number 2 of 2)', expected: 'a valid name of an HTTP header', found },
    ])
  },
)

test('a hook may have any other header', () => {
  const headers = { authorization: 'Bearer x', 'X-Anything': 'ä', cookie: 'a=b' }
  expect(readHook({ name: 'one', url: 'http://x', headers }).headers).toEqual(headers)
})
