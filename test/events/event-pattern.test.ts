import { expect, test } from 'vitest'
import { EVENT_PATTERN, matchesAny } from '../../src/events/event-pattern.ts'

test.each([
  ['*', 'acs_credential.issued'],
  ['*', 'anything'],
  ['acs_credential.*', 'acs_credential.issued'],
  ['acs_credential.*', 'acs_credential.issued.twice'],
  ['acs.credential.*', 'acs.credential.issued'],
  ['acs_credential.issued', 'acs_credential.issued'],
])('%s names %s', (pattern, eventType) => {
  expect(matchesAny([pattern], eventType)).toBe(true)
})

test.each([
  ['acs_credential.*', 'acs_credential'],
  ['acs_credential.*', 'acs_credentials.issued'],
  ['acs_credential.*', 'acs_credentialX.issued'],
  ['acs_credential.*', 'an_acs_credential.issued'],
  ['acs_credential.issued', 'acs_credential.issued.twice'],
  ['acs_credential.issued', 'acs_credential.reissued'],
  ['acs_credential', 'acs_credential.issued'],
])('%s does not name %s', (pattern, eventType) => {
  expect(matchesAny([pattern], eventType)).toBe(false)
})

test('one of several patterns is enough, and none names nothing', () => {
  expect(matchesAny(['device.*', 'acs_credential.issued'], 'acs_credential.issued')).toBe(true)
  expect(matchesAny(['device.*', 'acs_credential.issued'], 'acs_credential.deleted')).toBe(false)
  expect(matchesAny([], 'acs_credential.issued')).toBe(false)
})

test.each(['*', 'acs_credential.*', 'acs_credential.issued', 'device', 'a.b.c.*', 'x2.y_3'])(
  '%s is a pattern',
  (text) => {
    expect(text).toMatch(new RegExp(EVENT_PATTERN))
  },
)

test.each([
  '',
  '**',
  '*.issued',
  'acs_*',
  'acs_credential.',
  '.issued',
  'a..b',
  'A.b',
  'a.*.b',
  'a b',
  '*\n',
])('%j is no pattern', (text) => {
  expect(text).not.toMatch(new RegExp(EVENT_PATTERN))
})
