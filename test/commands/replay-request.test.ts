import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { requestOf, sentenceOf } from '../../src/commands/replay-request.ts'
import type { ReplayFilters } from '../../src/commands/replay-request.ts'
import { ReplayRequest } from '../../src/operator/api/shapes/action.ts'

const NOW = Date.UTC(2026, 2, 1, 10)

test.each<[ReplayFilters, ReplayRequest, string]>([
  [{}, {}, '3 dead deliveries, to any hook.'],
  [
    { hook: 'access-log', state: ['dead', 'delivered'], code: 'timeout', perSecond: 5 },
    { hook: 'access-log', states: ['dead', 'delivered'], code: 'timeout', per_second: 5 },
    '3 dead or delivered deliveries, to access-log, whose last failure was timeout, at most 5 a second.',
  ],
  [
    { since: '24h', until: '2026-03-01', eventId: ['a', 'b'] },
    { since: '2026-02-28T10:00:00.000Z', until: '2026-03-01T00:00:00.000Z', event_ids: ['a', 'b'] },
    '3 dead deliveries, to any hook, of 2 events, accepted since 2026-02-28T10:00:00.000Z, accepted until 2026-03-01T00:00:00.000Z.',
  ],
  [{ hook: 'new', missing: true }, { hook: 'new', missing: true }, '3 missing deliveries, to new.'],
])('%j asks for %j', (filters, request, sentence) => {
  expect(requestOf(filters, NOW)).toEqual(request)
  expect(Value.Check(ReplayRequest, requestOf(filters, NOW))).toBe(true)
  expect(sentenceOf(request, 3)).toBe(sentence)
})

test.each<[ReplayFilters, string]>([
  [{ missing: true }, '--missing needs --hook'],
  [{ missing: true, hook: 'a', state: ['dead'] }, '--missing makes new deliveries'],
  [{ state: ['lost'] }, '--state takes dead, delivered or pending'],
  [{ since: 'monday' }, '--since takes a time'],
])('%j makes no sense', (filters, message) => {
  expect(() => requestOf(filters, NOW)).toThrow(message)
})

test('a filter that came out empty is still in the request, so that the relay refuses it instead of replaying everything', () => {
  for (const filters of [{ state: [] }, { eventId: [] }, { hook: '' }, { code: '' }]) {
    expect(Value.Check(ReplayRequest, requestOf(filters, NOW))).toBe(false)
  }
})
