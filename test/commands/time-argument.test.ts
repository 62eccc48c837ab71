import { expect, test } from 'vitest'
import { timeArgument } from '../../src/commands/time-argument.ts'

const NOW = Date.UTC(2026, 2, 1, 10)

test.each([
  ['2026-02-28', '2026-02-28T00:00:00.000Z'],
  ['2026-02-28T10:30Z', '2026-02-28T10:30:00.000Z'],
  ['2026-02-28T10:30:01.5+01:00', '2026-02-28T09:30:01.500Z'],
  ['24h', '2026-02-28T10:00:00.000Z'],
  ['90m', '2026-03-01T08:30:00.000Z'],
  ['90 min', '2026-03-01T08:30:00.000Z'],
  ['7d', '2026-02-22T10:00:00.000Z'],
  ['30s', '2026-03-01T09:59:30.000Z'],
])('%s is %s', (text, iso) => expect(timeArgument('--since', text, NOW)).toBe(iso))

test.each(['', 'yesterday', '2026-02-28T10:30', '2026-02-31x', '1.5h', '-1d', '10', '2026-13-01', '999999d'])(
  '%j is no time, and nothing is guessed',
  (text) => expect(() => timeArgument('--since', text, NOW)).toThrow(/^--since takes a time such as /),
)
