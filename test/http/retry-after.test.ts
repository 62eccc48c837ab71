import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { parseRetryAfter } from '../../src/http/retry-after.ts'

const now = Date.parse('1994-11-06T08:49:00Z')

test.each([
  ['0', 0],
  ['1', 1000],
  ['120', 120_000],
  ['0030', 30_000],
  ['9999999999', 9_999_999_999_000],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
])('"%s" asks for %d ms', (header, ms) => {
  expect(parseRetryAfter(header, now)).toBe(ms)
})

test.each(['America/New_York', 'Asia/Kolkata', 'UTC'])(
  'the asctime form, without a zone, is GMT in %s',
  (zone) => {
    const before = process.env['TZ']
    onTestFinished(() => {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    })
    process.env['TZ'] = zone
    expect(parseRetryAfter('Sun Nov  6 08:49:37 1994', now)).toBe(37_000)
    expect(parseRetryAfter('Wed Nov 16 08:49:37 1994', now)).toBe(37_000 + 10 * 86_400_000)
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:49:37', now)).toBe(37_000)
  },
)

test('a date that has passed asks for no wait', () => {
  expect(parseRetryAfter('Sun, 06 Nov 1994 08:48:59 GMT', now)).toBe(0)
})

test.each([
  undefined,
  null,
  30,
  ['30', '60'],
  '',
  ' ',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  '30s',
  '30, 60',
  '10000000000',
  'soon',
  'Sun, 99 Nov 1994 08:49:37 GMT',
  '1994-11-06T08:49:37Z',
  '11/06/1994',
])('%j says nothing usable', (header) => {
  expect(parseRetryAfter(header, now)).toBeNull()
})

test('every date comes back as the span to it, to the second', () => {
  const fromEpochTo2100 = fc.integer({ min: 0, max: 4_102_444_800 })
  fc.assert(
    fc.property(fromEpochTo2100, fromEpochTo2100, (at, nowSeconds) => {
      const header = new Date(at * 1000).toUTCString()
      expect(parseRetryAfter(header, nowSeconds * 1000)).toBe(Math.max(0, at - nowSeconds) * 1000)
    }),
  )
})

test('whatever the header, the answer is null or a span', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.date({ noInvalidDate: true }).map(String)), (header) => {
      expect(parseRetryAfter(header, now) ?? 0).toBeGreaterThanOrEqual(0)
    }),
  )
})
