import { expect, test } from 'vitest'
import { bytes, counted, span } from '../../src/commands/amount.ts'

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [81_920, '81.9 kB'],
  [271_000_000_000, '271 GB'],
  [9_000_000_000_000_000, '9000 TB'],
])('%d bytes are %s', (count, text) => expect(bytes(count)).toBe(text))

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1500, '1.5 s'],
  [61_000, '61 s'],
  [-120_000, '2 min'],
  [3 * 3_600_000, '3 h'],
  [47 * 3_600_000, '47 h'],
  [14 * 86_400_000, '14 days'],
])('%d ms are %s', (ms, text) => expect(span(ms)).toBe(text))

test('one is not many', () => {
  expect([counted(1, 'delivery', 'deliveries'), counted(0, 'hook')]).toEqual(['1 delivery', '0 hooks'])
})
