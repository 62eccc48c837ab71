import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { minimal, mistakesOf } from './reading.ts'

test.each([
  ['PORT', '65536', 'a whole number, 0 to 65535'],
  ['PORT', '-1', 'a whole number, 0 to 65535'],
  ['PORT', '3e3', 'a whole number, 0 to 65535'],
  ['OPERATOR_PORT', '3000.5', 'a whole number, 0 to 65535'],
  ['BODY_LIMIT_BYTES', '1023', 'a whole number, 1024 to 16777216'],
  ['RATE_LIMIT_PER_MINUTE', '0', 'a whole number, 1 to 1000000000'],
  ['SHUTDOWN_TIMEOUT_MS', '10s', 'a whole number, 100 to 600000'],
  ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
])('%s=%s is refused: the mistake says what was expected and what was found', (where, text, expected) => {
  expect(mistakesOf({ ...minimal, [where]: text })).toEqual([{ where, expected, found: `"${text}"` }])
})

test.each(['Acs_credential.issued', 'acs_credential*', '*.issued', 'acs_credential.'])(
  'ACCEPT_EVENT_TYPES with the pattern %s is refused',
  (pattern) => {
    expect(mistakesOf({ ...minimal, ACCEPT_EVENT_TYPES: `device.*,${pattern}` })).toMatchObject([
      { where: 'ACCEPT_EVENT_TYPES', found: `"${pattern}"` },
    ])
  },
)

describe('OPERATOR_TOKEN', () => {
  test.each(['0.0.0.0', '::', '10.0.0.5', 'relay.internal'])('is required on %s', (host) => {
    expect(mistakesOf({ ...minimal, OPERATOR_HOST: host })).toEqual([
      {
        where: 'OPERATOR_TOKEN',
        expected: 'a token, because OPERATOR_HOST is not loopback',
        found: 'nothing',
      },
    ])
    const { operatorListener } = readConfig({ ...minimal, OPERATOR_HOST: host, OPERATOR_TOKEN: 'token' })
    expect(operatorListener).toMatchObject({ host, token: 'token' })
  })

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('is not required on %s', (host) => {
    expect(readConfig({ ...minimal, OPERATOR_HOST: host }).operatorListener).toMatchObject({
      host,
      token: undefined,
    })
  })
})

describe('TRUST_PROXY', () => {
  test.each<[string, boolean | string[]]>([
    ['true', true],
    ['false', false],
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
    ['loopback,uniquelocal', ['loopback', 'uniquelocal']],
  ])('may be %s', (text, trustProxy) => {
    expect(readConfig({ ...minimal, TRUST_PROXY: text }).trustProxy).toEqual(trustProxy)
  })

  test.each(['1', 'yes', '10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.1,proxy.internal', ','])(
    'may not be %s',
    (text) => {
      expect(mistakesOf({ ...minimal, TRUST_PROXY: text })).toEqual([
        {
          where: 'TRUST_PROXY',
          expected: 'true, false, or addresses and CIDR ranges of the proxies',
          found: `"${text}"`,
        },
      ])
    },
  )
})

describe('ALERT_URL', () => {
  test.each(['example.com/alert', 'ftp://example.com', 'https://user@example.com', 'https://'])(
    'may not be %s',
    (text) => {
      expect(mistakesOf({ ...minimal, ALERT_URL: text })).toEqual([
        {
          where: 'ALERT_URL',
          expected: 'an http: or https: URL without user name and password',
          found: `a string of ${text.length} characters (not shown)`,
        },
      ])
    },
  )
})

describe('OPERATOR_READ_TOKEN', () => {
  test('needs OPERATOR_TOKEN beside it, because otherwise whoever has none could change everything', () => {
    expect(mistakesOf({ ...minimal, OPERATOR_READ_TOKEN: 'reads' })).toEqual([
      {
        where: 'OPERATOR_TOKEN',
        expected: 'a token, because OPERATOR_READ_TOKEN is set',
        found: 'nothing',
      },
    ])
  })

  test('may not be the token that changes things', () => {
    expect(mistakesOf({ ...minimal, OPERATOR_TOKEN: 'same', OPERATOR_READ_TOKEN: 'same' })).toEqual([
      { where: 'OPERATOR_READ_TOKEN', expected: 'another token than OPERATOR_TOKEN', found: 'the same' },
    ])
  })
})

describe('SEAM_API_KEY', () => {
  test.each([
    ['seam_a b', 'API keys without spaces, separated by commas', 'a string of 8 characters (not shown)'],
    ['seam_a,seam_a', 'each key once, one for each workspace', 'one of them twice'],
  ])('may not be %s', (text, expected, found) => {
    expect(mistakesOf({ ...minimal, SEAM_API_KEY: text })).toEqual([
      { where: 'SEAM_API_KEY', expected, found },
    ])
  })
})
