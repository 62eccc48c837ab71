import fc from 'fast-check'
import { expect, test } from 'vitest'
import { harmless, harmlessIn, harmlessJson } from '../../src/commands/harmless.ts'

/** Everything below a space, DEL and C1, line and paragraph separators, and what turns the direction of text. */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

test('a colour, a title of the window and a line break are spelled out', () => {
  expect(harmless('\u001b[31mred\u001b]0;title\u0007\r\n')).toBe(
    '\\u001b[31mred\\u001b]0;title\\u0007\\u000d\\u000a',
  )
  expect(harmless('abc\u202egnp.exe')).toBe('abc\\u202egnp.exe')
})

test('text with nothing to obey stays as it is', () => {
  const text = 'Tür geöffnet – 🚪 “ok” \\u001b'
  expect(harmless(text)).toBe(text)
})

test('whatever the text, nothing is left that a terminal obeys', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, (any) => {
      expect(harmless(any)).not.toMatch(OBEYED)
    }),
  )
})

test('in a document every string and every name of a member is made harmless', () => {
  const document = { 'a\u001b': ['b\u009b', { c: 'd\u007f', e: 1, f: null, g: true }] }
  expect(harmlessIn(document)).toEqual({
    'a\\u001b': ['b\\u009b', { c: 'd\\u007f', e: 1, f: null, g: true }],
  })
})

test('whatever the value, JSON is harmless and means the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = harmlessJson(value, indent)
      expect(OBEYED.test(text.replaceAll('\n', ''))).toBe(false)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
