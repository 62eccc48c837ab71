import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementBytes } from '../../src/reconcile/element-bytes.ts'

function elementTexts(text: string, name: string): string[] | null {
  return elementBytes(Buffer.from(text), name)?.map(String) ?? null
}

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

test.each([
  '{"events":[',
  '{"events":["',
  '{"events":["\\',
  '{"events":[1 2]}',
  '{"events":[1,]}',
  '{"events":[,1]}',
  '{"events":[{"a":}]}',
  '{"events":[1]]}',
  '{"events":[1]}}',
  '{"events":[1],"x"}',
  '{"a\n":1,"events":[1]}',
  '\uFEFF{"events":[1]}',
  '',
])('%j is not JSON, and throws', (text) => {
  expect(() => elementTexts(text, 'events')).toThrow(SyntaxError)
})

test('whatever is cut off or changed, it throws where the whole is not JSON', () => {
  const text = '{"a":{"events":[7]},"events":[{"b":[1,"]"]}, "x\\"", 2 ,[]],"z":null}'
  fc.assert(
    fc.property(
      fc.nat(text.length),
      fc.nat(3),
      fc.constantFrom('', ',', '"', '[', ']', '}', '1'),
      (at, gone, put) => {
        const changed = text.slice(0, at) + put + text.slice(at + gone)
        const isJson = isGood(() => JSON.parse(changed) as unknown)
        expect(isGood(() => elementTexts(changed, 'events'))).toBe(isJson)
      },
    ),
    { numRuns: 2000 },
  )
})

test('bytes that are no text are given as they came', () => {
  const bytes = Buffer.concat([Buffer.from('{"events":["'), Buffer.from([0xff]), Buffer.from('"]}')])
  expect(elementBytes(bytes, 'events')).toEqual([Buffer.from([0x22, 0xff, 0x22])])
})

function isGood(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}
