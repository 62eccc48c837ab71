import { expect, test } from 'vitest'
import { hookHealth } from '../../../src/operator/overview/hook-health.ts'
import { readHook } from '../../config/reading.ts'
import { hook } from './facts.ts'

test.each([
  ['https://example.com', 'https://example.com/'],
  ['https://example.com/seam', 'https://example.com/seam'],
  ['https://example.com/seam?token=abc', 'https://example.com/seam'],
  ['https://example.com/services/T0/B0', 'https://example.com/services/…'],
  ['https://example.com/0123456789abcdef', 'https://example.com/…'],
])('of the address %s people see %s, because the rest may be a secret', (url, shown) => {
  expect(hookHealth(hook(), readHook({ name: 'access-log', url }), []).url).toBe(shown)
})
