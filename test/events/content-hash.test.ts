import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentHash } from '../../src/events/content-hash.ts'
import { credentialEvent } from '../support/credential-event.ts'

describe('the hash is the same', () => {
  test('whatever the order of keys, at every depth', () => {
    fc.assert(
      fc.property(json(), (value) => {
        expect(contentHash(withKeysReversed(value))).toBe(contentHash(value))
      }),
    )
  })

  test('whatever the white space', () => {
    fc.assert(
      fc.property(json(), fc.constantFrom(0, 1, 7, '\t'), (value, indent) => {
        expect(contentHash(JSON.parse(`\n${JSON.stringify(value, null, indent)} `))).toBe(contentHash(value))
      }),
    )
  })

  test('however a string is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = [...Array(text.length).keys()].map(
          (at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
        )
        expect(contentHash(JSON.parse(`{"${escaped.join('')}":"${escaped.join('')}"}`))).toBe(
          contentHash(Object.fromEntries([[text, text]])),
        )
      }),
    )
  })

  test('as the SHA-256 of the JSON with sorted keys', () => {
    expect(contentHash({ b: [1, 'x', null], a: { d: true, c: {} } })).toBe(
      // printf '{"a":{"c":{},"d":true},"b":[1,"x",null]}' | sha256sum
      'e29ca70298a56a2d2e00d813165a598f972e2bf893359382da4fb670a1082fad',
    )
  })
})

describe('the hash is another', () => {
  test('for any other value', () => {
    fc.assert(
      fc.property(json(), json(), (one, other) => {
        fc.pre(!isDeepStrictEqual(one, other))
        expect(contentHash(other)).not.toBe(contentHash(one))
      }),
    )
  })

  test('when any one field of an event is changed, left out or added', () => {
    const event = credentialEvent()
    const keys = Object.keys(event)
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        fc.pre(!isDeepStrictEqual(value, event[key as keyof typeof event]))
        expect(contentHash({ ...event, [key]: value })).not.toBe(contentHash(event))
        expect(contentHash({ ...event, [`${key}_more`]: value })).not.toBe(contentHash(event))
        const { [key as keyof typeof event]: _left, ...rest } = event
        expect(contentHash(rest)).not.toBe(contentHash(event))
      }),
    )
  })

  test.each<[unknown, unknown]>([
    [
      [1, 2],
      [2, 1],
    ],
    [[1, 2], [12]],
    [['a', 'b'], ['a,b']],
    [['1'], [1]],
    [[], {}],
    [[null], []],
    [{ a: null }, {}],
    [{ a: { b: 1 } }, { a: {}, b: 1 }],
    [{ a: 'b":"c' }, { a: 'b', c: '' }],
    [{ '': 0 }, { '0': '' }],
  ])('for %j than for %j', (one, other) => {
    expect(contentHash(one)).not.toBe(contentHash(other))
  })
})

test('a value may nest 100,000 deep, and what stands at the bottom counts', () => {
  const deep = (bottom: string) => JSON.parse(`${'[{"a":'.repeat(50_000)}${bottom}${'}]'.repeat(50_000)}`)
  expect(contentHash(deep('1'))).toBe(contentHash(deep('1')))
  expect(contentHash(deep('1'))).not.toBe(contentHash(deep('2')))
})

test('a key named __proto__ is a key like any other', () => {
  expect(contentHash(JSON.parse('{"__proto__":{"a":1}}'))).not.toBe(contentHash({}))
})

/** As it comes out of the parser, so without what only a program can make: -0 is written as 0. */
function json() {
  return fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
}

function withKeysReversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withKeysReversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, withKeysReversed(inner)])
  return Object.fromEntries(entries.toReversed())
}
