import { expect, test } from 'vitest'
import { clockLine } from '../../../src/commands/doctor/clock-line.ts'

const reading = (aheadMs: number, from = 'Seam') => ({ from, aheadMs })

test('nobody to compare with is no fault', () => {
  expect(clockLine([])).toMatchObject({ state: 'skipped' })
})

test.each([
  [0, 'ok', 'agrees with Seam within 1.0 s'],
  [-4900, 'ok', 'agrees with Seam within 4 s'],
  [12_000, 'look', 'this machine is 12 s ahead of Seam'],
  [-239_000, 'look', 'this machine is 3 min behind Seam'],
  [240_000, 'wrong', 'this machine is 4 min ahead of Seam'],
  [-86_400_000, 'wrong', 'this machine is 24 h behind Seam'],
])('%d ms ahead is %s', (aheadMs, state, text) => {
  const line = clockLine([reading(aheadMs)])
  expect(line).toMatchObject({ state, text: expect.stringContaining(text) as string })
  expect(line.advice === undefined).toBe(state === 'ok')
})

test('one of several with a wrong clock of its own does not count', () => {
  const readings = [reading(3_600_000, 'a hook'), reading(200, 'Seam'), reading(-100, 'the database')]
  expect(clockLine(readings)).toEqual({
    about: 'clock',
    state: 'ok',
    text: 'agrees with 3 others within 1.0 s',
  })
})
