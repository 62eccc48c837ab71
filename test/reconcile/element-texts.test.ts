import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementTexts } from '../../src/reconcile/element-texts.ts'

test('each element is cut out as it was written', () => {
  const text = `{ "ok" : true, "more": {"events":[0]}, "x":"events", "events" : [ {"a": [1, {"b":"]},\\""}]} ,
    {"big":12345678901234567890} , "s,]" , 1.50,null, [ ] ], "events_too":[9] }`
  expect(elementTexts(text, 'events')).toEqual([
    '{"a": [1, {"b":"]},\\""}]}',
    '{"big":12345678901234567890}',
    '"s,]"',
    '1.50',
    'null',
    '[ ]',
  ])
})

test('whatever JSON a list holds, its elements are found', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      fc.jsonValue(),
      fc.integer({ min: 0, max: 3 }),
      (list, rest, indent) => {
        const texts = elementTexts(JSON.stringify({ a: rest, list, z: rest }, null, indent), 'list')
        expect(texts?.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(list)))
      },
    ),
  )
})

test.each(['{}', '[]', 'null', '1', '{"events":{}}', '{"events":"x"}', '{"events":[1],"events":[2]}'])(
  'there is no such list in %s',
  (text) => {
    expect(elementTexts(text, 'events')).toBeNull()
  },
)

test('text that is not JSON throws', () => {
  expect(() => elementTexts('{"events":[', 'events')).toThrow(SyntaxError)
})
