import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cursorOf, positionOf } from '../../src/store/cursor.ts'
import type { ListName } from '../../src/store/cursor.ts'
import { CursorError } from '../../src/store/listings.ts'

const LISTS: ListName[] = ['events', 'deliveries', 'quarantine']
const positions = fc.record({
  at: fc.maxSafeNat(),
  name: fc.stringMatching(/^[a-z0-9-]{0,64}$/),
})

test('a cursor gives back the position that it was made of, to its own list alone', () => {
  fc.assert(
    fc.property(fc.constantFrom(...LISTS), positions, (list, position) => {
      const cursor = cursorOf(list, position)
      // It goes into addresses as it is.
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(positionOf(list, cursor)).toEqual(position)
      for (const other of LISTS.filter((one) => one !== list)) {
        expect(() => positionOf(other, cursor)).toThrow(CursorError)
      }
    }),
  )
})

test('whatever else comes as a cursor is refused, or is the one text of a position', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.string().map((text) => Buffer.from(`1 events ${text}`).toString('base64url')),
    fc.double().map((at) => Buffer.from(`1 events ${at} `).toString('base64url')),
  )
  fc.assert(
    fc.property(fc.constantFrom(...LISTS), texts, (list, text) => {
      const position = positionOrCode(list, text)
      if (position === 'cursor_invalid') return
      expect(Number.isSafeInteger(position.at) && position.at >= 0).toBe(true)
      expect(cursorOf(list, position)).toBe(text)
    }),
    { numRuns: 2000 },
  )
})

test('a cursor that was changed in any one character is refused, or is that of another position', () => {
  fc.assert(
    fc.property(
      positions,
      fc.nat(),
      fc.constantFrom('A', 'Q', 'g', 'w', '0', '9', '_', '-', '=', '+', '/', ' '),
      (position, where, character) => {
        const cursor = cursorOf('events', position)
        const at = where % cursor.length
        const changed = cursor.slice(0, at) + character + cursor.slice(at + 1)
        if (changed === cursor) return
        expect(positionOrCode('events', changed)).not.toEqual(position)
      },
    ),
    { numRuns: 1000 },
  )
})

test.each([
  '2 events 1 ',
  '1 events -1 ',
  '1 events 01 ',
  '1 events 1',
  '1 events 9007199254740993 ',
  '1 events 1 a b',
])('the text %j makes no cursor', (text) => {
  expect(() => positionOf('events', Buffer.from(text).toString('base64url'))).toThrow(CursorError)
})

/** Whatever else is thrown fails the test. */
function positionOrCode(list: ListName, text: string) {
  try {
    return positionOf(list, text)
  } catch (error) {
    if (error instanceof CursorError) return error.code
    throw error
  }
}
