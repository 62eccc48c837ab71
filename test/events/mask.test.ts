import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventTypeIn, maskPins } from '../../src/events/mask.ts'

const PIN = '70417382'

describe('a PIN is masked', () => {
  test.each([
    ['access_code.set_on_device', `{"code":"${PIN}"}`, `{"code":"****"}`, ['/code']],
    ['access_code.set_on_device', `{ "code" : ${PIN} }`, `{ "code" : "****" }`, ['/code']],
    ['acs_credential.issued', `{"code":-1.5e+7,"n":1}`, `{"code":"****","n":1}`, ['/code']],
    [
      'a.b',
      `{"a":[{"code":"${PIN}"},{"Code":"${PIN}"}]}`,
      `{"a":[{"code":"****"},{"Code":"****"}]}`,
      ['/a/0/code', '/a/1/Code'],
    ],
    ['a.b', `{"c\\u006fde":"${PIN}"}`, `{"c\\u006fde":"****"}`, ['/code']],
    [
      'a.b',
      `{"code":{"x":["${PIN}",1,null,true]}}`,
      `{"code":{"x":["****","****",null,true]}}`,
      ['/code/x/0', '/code/x/1'],
    ],
    ['a.b', `{"a/b~c":{"code":"\\"${PIN}"}}`, `{"a/b~c":{"code":"****"}}`, ['/a~1b~0c/code']],
    [
      'access_code.changed',
      `{"from":{"x":"${PIN}"},"to":"${PIN}"}`,
      `{"from":{"x":"****"},"to":"****"}`,
      ['/from/x', '/to'],
    ],
    [
      'a.b',
      JSON.stringify({ body: JSON.stringify({ code: PIN }) }),
      JSON.stringify({ body: '{"code":"****"}' }),
      ['/body'],
    ],
  ])('in %s: %s', (eventType, text, expected, masked) => {
    expect(maskPins(text, eventType)).toEqual({ text: expected, masked })
  })

  test.each([
    `{"code":"${PIN}`,
    `{"a":{"code": ${PIN}, "b`,
    `"x" {"code":"${PIN}"}`,
    `x" {"code":"${PIN}"}`,
    `{'code': '${PIN}'}`,
    `code=${PIN}&x=1`,
    `Code: ${PIN}`,
    `<r><code>${PIN}</code></r>`,
    `invalid: {\\"code\\":\\"${PIN}\\"}`,
    `{"from":{"x":["${PIN}`,
    `{"to":${PIN}`,
  ])('where the text is no JSON: %s', (text) => {
    expect(maskPins(text, null).text).not.toContain(PIN)
  })

  test('however deep it is nested', () => {
    const deep = 100_000
    const text = `${'[{"a":'.repeat(deep)}{"code":"${PIN}"}${'}]'.repeat(deep)}`
    expect(maskPins(text, 'a.b').text).toBe(text.replace(PIN, '****'))
  })

  test('anywhere in any JSON, and nothing else is changed', () => {
    const inside = fc.jsonValue().map((value) => JSON.stringify(value))
    const at = fc.array(
      fc.oneof(
        fc.string().filter((name) => !/^code$/i.test(name)),
        fc.constant(null),
      ),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(at, inside, fc.constantFrom(`"${PIN}"`, PIN), (path, other, pin) => {
        const around = (text: string) =>
          path.reduceRight<string>(
            (inner, name) => (name === null ? `[${inner}]` : `{${JSON.stringify(name)}: ${inner}}`),
            text,
          )
        fc.pre(!/code/i.test(other))
        const before = around(`{"other":${other},"code":${pin}}`)
        expect(maskPins(before, 'a.b').text).toBe(around(`{"other":${other},"code":"****"}`))
      }),
    )
  })
})

describe('left alone, character by character, is', () => {
  test.each([
    ['a.b', '{"from":"x","to":1}'],
    ['a.b', '{"n":12345678901234567890123,"m":1.000,"e":1E5,"s":"\\u00e9\\/"}'],
    ['a.b', '{"codes":"1","code_":"2","xcode":"3","text":"code"}'],
    ['a.b', '{"code":null}'],
    ['a.b', ''],
    ['a.b', '["code","1234"]'],
  ])('in %s: %s', (eventType, text) => {
    expect(maskPins(text, eventType)).toEqual({ text, masked: [] })
  })

  test('every JSON without such a field', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/code/i.test(text))
        expect(maskPins(text, 'a.b')).toEqual({ text, masked: [] })
      }),
    )
  })
})

test('nor does a PIN show where JSON is cut off, as the beginning of an answer is', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 2 }),
      fc.nat(),
      fc.constantFrom('code', 'from', 'to'),
      (other, length, name) => {
        const text = JSON.stringify({ other, list: [{ [name]: { deeper: [PIN] } }], [name]: PIN })
        expect(maskPins(text.slice(0, length % (text.length + 1)), null).text).not.toContain(PIN)
      },
    ),
  )
})

test('no text is too odd', () => {
  const pieces = fc.constantFrom(
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"code":',
    'code=',
    '1',
    ' ',
    '<code>',
    "'",
    '\n',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
      expect(() => maskPins(parts.join(''), null)).not.toThrow()
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['{"event_type":"access_code.changed"}', 'access_code.changed'],
  ['{"event_type":5}', null],
  ['{"event_type":"a.b","event_type":"access_code.changed"}', null],
  ['null', null],
  ['{"event_type":"a.b"', null],
  ['{}', null],
])('in %s the type is %s', (text, eventType) => {
  expect(eventTypeIn(text)).toBe(eventType)
})
