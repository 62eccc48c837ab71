import { expect, test } from 'vitest'
import { withCauses } from '../../src/operator/refusal-cause.ts'

const AT = Date.parse('2026-03-01T10:00:00Z')
const MINUTE_MS = 60_000

function mismatch(rest: object = {}) {
  return { at: AT, code: 'signature_mismatch', address: '192.0.2.7', isKnownSender: true, ...rest }
}

test('a wrong signature from the sender itself says that a secret is missing, and how often it happened', () => {
  const refusals = Array.from({ length: 14 }, (_, n) => mismatch({ at: AT - n * 1000 }))
  refusals.push(mismatch({ at: AT - 11 * MINUTE_MS }), mismatch({ address: '192.0.2.8' }))
  expect(withCauses(refusals, 2)[0]?.cause).toBe(
    "signed, but by none of your 2 secrets; 14 in 10 minutes from the address that also sends verified ones: is a second endpoint's secret missing in SEAM_WEBHOOK_SECRET?",
  )
})

test('a wrong signature from a stranger says where to find the right secret', () => {
  expect(withCauses([mismatch({ isKnownSender: false })], 1)[0]?.cause).toMatch(
    /^signed, but by another secret than yours: if this is Seam, copy/,
  )
})

test.each([
  'signature_missing',
  'signature_malformed',
  'timestamp_out_of_range',
  'body_too_large',
  'body_incomplete',
  'rate_limited',
  'unavailable',
  'headers_too_large',
])('%s has a likely cause of its own', (code) => {
  const [one] = withCauses([mismatch({ code })], 1)
  expect(one?.cause.length).toBeGreaterThan(20)
  expect(one?.cause).not.toContain('secret')
})
