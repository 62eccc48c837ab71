import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHiding } from '../../src/delivery/without-secrets.ts'
import { newSecret } from '../support/signed-webhook.ts'

const TOKEN = 'tok"en-93d1ee40ä'
const PATH_TOKEN = 'T00000000-B00000000-XXXXXXXX'
const SECRET = newSecret()
const hide = createHiding({
  url: `https://example.com/services/${PATH_TOKEN}?key=query-key-77`,
  headers: { authorization: `Bearer ${TOKEN}`, 'x-short': 'abc' },
  secrets: [SECRET],
})
const hidden = (text: string) => hide(Buffer.from(text)).toString()

test.each([
  [`authorization: Bearer ${TOKEN}\r\n`, 'authorization: ****\r\n'],
  [JSON.stringify({ token: TOKEN }), '{"token":"****"}'],
  [`${SECRET} ${SECRET.slice('whsec_'.length)}`, '**** ****'],
  [`/services/${PATH_TOKEN}?key=query-key-77`, '/services/****?key=****'],
  [`?t=${encodeURIComponent(TOKEN)}`, '?t=****'],
])('of a receiver that repeats what it was sent, %s is kept without it', (answer, kept) => {
  expect(hidden(answer)).toBe(kept)
})

test.each([
  'Cannot POST /services',
  'abc',
  'Bearer token expired',
  '',
  '{"error":"no door"}',
  'tok is no token',
])('what helps to understand an answer stays: %s', (answer) => {
  expect(hidden(answer)).toBe(answer)
})

test('nothing of a secret is left wherever an answer is cut off, but three characters', () => {
  const whole = Buffer.from(`{"got":"Bearer ${TOKEN}","secret":"${SECRET}"}`)
  for (let end = 0; end <= whole.length; end++) {
    const kept = hide(whole.subarray(0, end)).toString('latin1')
    for (const secret of [TOKEN, SECRET.slice('whsec_'.length)]) {
      expect([end, kept]).not.toEqual([end, expect.stringContaining(secret.slice(0, 4))])
    }
  }
})

test('all other bytes stay as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const answer = Buffer.from(bytes)
      expect(hide(answer)).toEqual(answer)
    }),
  )
})
