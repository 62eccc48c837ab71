import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { exactly } from '../../src/operator/api/shapes/fields.ts'
import { RequestRefused } from '../../src/operator/request-refused.ts'
import { strictValidator } from '../../src/operator/strict-validator.ts'

const schema = exactly({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  reveal: Type.Optional(Type.Boolean()),
  since: Type.Optional(Type.String({ format: 'date-time' })),
  states: Type.Optional(Type.Array(Type.Enum(['dead', 'pending']))),
})

function judged(given: unknown, httpPart: string): unknown {
  const { value, error } = strictValidator({ schema, httpPart, method: 'GET', url: '/' })(given) as {
    value?: unknown
    error?: Error
  }
  return error instanceof RequestRefused ? error.message : value
}

describe('of a query', () => {
  test.each([
    [{}, {}],
    [{ limit: '500' }, { limit: 500 }],
    [{ reveal: 'true' }, { reveal: true }],
    [{ reveal: 'false' }, { reveal: false }],
    [{ since: '2026-01-31T12:00:00Z' }, { since: '2026-01-31T12:00:00Z' }],
  ])('%j is read as %j', (given, value) => {
    expect(judged(given, 'querystring')).toEqual(value)
  })

  test.each([
    [{ limit: '5.5' }, '"limit" must be integer'],
    [{ limit: '0' }, '"limit" must be >= 1'],
    [{ limit: '' }, '"limit" must be integer'],
    [{ limit: ' 5' }, '"limit" must be integer'],
    [{ limit: '0x10' }, '"limit" must be integer'],
    [{ limit: '9'.repeat(400) }, '"limit" must be integer'],
    [{ limit: ['1', '2'] }, '"limit" must be integer'],
    [{ reveal: '1' }, '"reveal" must be boolean'],
    [{ reveal: 'TRUE' }, '"reveal" must be boolean'],
    [{ since: '2026-01-31' }, '"since" must be an ISO 8601 time'],
    [{ sinse: 'x' }, 'There is no query parameter "sinse"'],
    [{ ['x'.repeat(1000)]: '' }, `There is no query parameter "${'x'.repeat(64)}"`],
    [JSON.parse('{"__proto__":"x"}'), 'There is no query parameter "__proto__"'],
  ])('%j is refused: %s', (given, message) => {
    expect(judged(given, 'querystring')).toContain(message)
  })
})

describe('of a body', () => {
  test.each([
    [{ limit: '5' }, '"limit" must be integer'],
    [{ states: ['dead', 'alive'] }, '"states.1" must be one of dead, pending'],
    [[], 'The body must be object'],
    ['text', 'The body must be object'],
    [null, 'The body is missing'],
    [undefined, 'The body is missing'],
  ])('%j is refused: %s', (given, message) => {
    expect(judged(given, 'body')).toContain(message)
  })

  test('the value that was wrong is not repeated', () => {
    expect(judged({ since: 'a token by mistake' }, 'body')).not.toContain('token')
  })
})
