import { expect, test } from 'vitest'
import { aligned, wrapped } from '../../src/commands/layout.ts'

test('columns are as wide as their widest cell, and colours take no room', () => {
  expect(
    aligned([
      ['a', 'bb', 'c'],
      ['\u001b[31maaa\u001b[39m', 'b'],
      ['ä', '', 'c'],
    ]),
  ).toEqual(['a    bb  c', '\u001b[31maaa\u001b[39m  b', 'ä        c'])
})

test('text is broken between words, and a word that is too long has its own line', () => {
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrapped('a https://example.com/very/long b', 10)).toEqual([
    'a',
    'https://example.com/very/long',
    'b',
  ])
  expect(wrapped('', 10)).toEqual([''])
})
