import { expect, test } from 'vitest'
import { traceparent } from '../../src/delivery/traceparent.ts'

const SHAPE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/

test('the trace id is the event id, and each attempt is a span of its own', () => {
  const id = 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10'
  const [first, second] = [traceparent(id), traceparent(id)]
  expect(first).toMatch(SHAPE)
  expect(first.slice(3, 35)).toBe('b5d1cb4e0c494a0f9a3c5b0d3c1f7a10')
  expect(second.slice(0, 36)).toBe(first.slice(0, 36))
  expect(second).not.toBe(first)
})

test.each(['msg_2abc', '00000000-0000-0000-0000-000000000000', ''])('%j gets a random trace', (id) => {
  const [first, second] = [traceparent(id), traceparent(id)]
  expect(first).toMatch(SHAPE)
  expect(first.slice(3, 35)).not.toBe(second.slice(3, 35))
  expect(first.slice(3, 35)).not.toMatch(/^0+$/)
})
