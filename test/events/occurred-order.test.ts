import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byOccurrence } from '../../src/events/occurred-order.ts'

test.each([
  ['2026-03-01T10:00:00Z', '2026-03-01T10:00:00.1Z'],
  ['2026-03-01T10:00:00.123456Z', '2026-03-01T10:00:00.5Z'],
  ['2026-03-01T10:00:00.123Z', '2026-03-01T10:00:00.1234Z'],
  ['2026-03-01T10:00:00.999999998Z', '2026-03-01T10:00:00.999999999Z'],
  ['2026-12-31T23:59:60Z', '2027-01-01T00:00:00Z'],
])('%s comes before %s', (earlier, later) => {
  expect(byOccurrence(earlier, later)).toBeLessThan(0)
  expect(byOccurrence(later, earlier)).toBeGreaterThan(0)
})

test('times that differ only in zeros at the end are the same moment', () => {
  expect(byOccurrence('2026-03-01T10:00:00Z', '2026-03-01T10:00:00.000Z')).toBe(0)
  expect(byOccurrence('2026-03-01T10:00:00.1Z', '2026-03-01T10:00:00.100000000Z')).toBe(0)
})

test('the order is that of the nanoseconds, however many digits are written', () => {
  const moments = fc.record({ second: fc.nat(59), nanos: fc.nat(999_999_999), zeros: fc.nat(8) })
  const text = ({ second, nanos, zeros }: { second: number; nanos: number; zeros: number }) => {
    const digits = String(nanos).padStart(9, '0').replace(/0+$/, '')
    const fraction = digits.padEnd(Math.min(9, digits.length + zeros), '0')
    return `2026-03-01T10:00:${String(second).padStart(2, '0')}${fraction === '' ? '' : `.${fraction}`}Z`
  }
  fc.assert(
    fc.property(moments, moments, (a, b) => {
      const difference = (a.second - b.second) * 1e9 + a.nanos - b.nanos
      expect(Math.sign(byOccurrence(text(a), text(b)))).toBe(Math.sign(difference))
    }),
  )
})
