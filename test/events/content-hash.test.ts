import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalObject, objectText } from '../../src/events/canonical-json.ts'
import { contentHash } from '../../src/events/content-hash.ts'
import { credentialEvent } from '../support/credential-event.ts'

describe('the hash is the same', () => {
  test('whatever the order of keys, at every depth', () => {
    fc.assert(
      fc.property(json(), (value) => {
        expect(hashOf(withKeysReversed(value))).toBe(hashOf(value))
      }),
    )
  })

  test('whatever the white space', () => {
    fc.assert(
      fc.property(json(), fc.constantFrom(0, 1, 7, '\t'), (value, indent) => {
        expect(hashOfText(`\n{"value" :${JSON.stringify(value, null, indent)}\t} `)).toBe(hashOf(value))
      }),
    )
  })

  test('however a string is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = [...Array(text.length).keys()].map(
          (at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
        )
        expect(hashOfText(`{"${escaped.join('')}":"${escaped.join('')}"}`)).toBe(
          hashOfText(JSON.stringify(Object.fromEntries([[text, text]]))),
        )
      }),
    )
  })

  test('as the SHA-256 of the JSON with sorted keys', () => {
    expect(hashOfText('{"b": [1, "x", null], "a": {"d": true, "c": {}}}')).toBe(
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
        expect(hashOf(other)).not.toBe(hashOf(one))
      }),
    )
  })

  test('when any one field of an event is changed, left out or added', () => {
    const event = credentialEvent()
    const keys = Object.keys(event)
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        fc.pre(!isDeepStrictEqual(value, event[key as keyof typeof event]))
        expect(hashOf({ ...event, [key]: value })).not.toBe(hashOf(event))
        expect(hashOf({ ...event, [`${key}_more`]: value })).not.toBe(hashOf(event))
        const { [key as keyof typeof event]: _left, ...rest } = event
        expect(hashOf(rest)).not.toBe(hashOf(event))
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
    expect(hashOf(one)).not.toBe(hashOf(other))
  })
})

test('a value may nest 100,000 deep, and what stands at the bottom counts', () => {
  const deep = (bottom: string) => `{"a":${'[{"a":'.repeat(50_000)}${bottom}${'}]'.repeat(50_000)}}`
  expect(hashOfText(deep('1'))).toBe(hashOfText(deep('1')))
  expect(hashOfText(deep('1'))).not.toBe(hashOfText(deep('2')))
})

test('a key named __proto__ is a key like any other', () => {
  expect(hashOfText('{"__proto__":{"a":1}}')).not.toBe(hashOfText('{}'))
})

describe('a number is the same', () => {
  test.each([
    ['1', '1.0'],
    ['100', '1e2'],
    ['0.1', '1E-1'],
    ['-12.5', '-125e-1'],
    ['0', '-0.00'],
    ['9007199254740993', '9007199254740993.0'],
    ['9007199254740993', '9.007199254740993e+15'],
    ['1e400', '10e399'],
  ])('as %s and as %s', (one, other) => {
    expect(hashOfText(`{"a":${one}}`)).toBe(hashOfText(`{"a":${other}}`))
  })
})

describe('a number is another', () => {
  test.each([
    ['9007199254740992', '9007199254740993'],
    ['9007199254740993', '-9007199254740993'],
    ['0.1', '0.10000000000000001'],
    ['1e400', '1e401'],
    ['1e400', 'null'],
    ['1e-400', '0'],
    ['12345678901234567890', '"12345678901234567890"'],
  ])('as %s than as %s', (one, other) => {
    expect(hashOfText(`{"a":${one}}`)).not.toBe(hashOfText(`{"a":${other}}`))
  })

  test('whatever its digits, if any of them differs', () => {
    const digits = fc.bigInt({ min: 1n, max: 10n ** 40n })
    fc.assert(
      fc.property(digits, digits, (one, other) => {
        fc.pre(one !== other)
        expect(hashOfText(`{"a":${one}}`)).not.toBe(hashOfText(`{"a":${other}}`))
      }),
    )
  })
})

test('a stored hash of an earlier version stays: what the parser keeps is written as JSON.stringify writes it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: letter }), fc.jsonValue({ stringUnit: letter })),
      (object) => {
        const parsed = JSON.parse(JSON.stringify(object)) as unknown
        expect(objectText(canonicalObject(JSON.stringify(object)).fields)).toBe(
          JSON.stringify(withKeysSorted(parsed)),
        )
      },
    ),
  )
})

const letter = fc.constantFrom('a', 'b', 'Z', '"', '\\', '\n', 'ä', '\u2028')

/** Of an object with one field, which has this value. */
function hashOf(value: unknown): string {
  return hashOfText(JSON.stringify({ value }))
}

function hashOfText(text: string): string {
  return contentHash(canonicalObject(text).fields)
}

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

/** Only for names that no object puts in an order of its own, as it does with numbers. */
function withKeysSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withKeysSorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, withKeysSorted(inner)])
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
