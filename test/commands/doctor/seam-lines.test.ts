import { expect, test } from 'vitest'
import { seamLines } from '../../../src/commands/doctor/seam-lines.ts'
import type { Expected } from '../../../src/commands/doctor/seam-lines.ts'
import type { SeamEndpoint } from '../../../src/commands/doctor/seam-webhooks.ts'
import { newSecret } from '../../support/signed-webhook.ts'

const SECRET = newSecret()
const expected: Expected = { secrets: [SECRET], acceptEventTypes: ['acs_credential.*'], webhookUrl: null }
const endpoint: SeamEndpoint = {
  url: 'https://relay.example.com/webhooks/seam?key=s3cret',
  eventTypes: ['*'],
  secret: SECRET,
}

/** State and text of each line but the first, which says that the key is good. */
function verdicts(endpoints: SeamEndpoint[], changes: Partial<Expected> = {}) {
  const answer = { kind: 'endpoints' as const, endpoints, aheadMs: null }
  const [first, ...lines] = seamLines('Seam', answer, { ...expected, ...changes })
  expect(first).toEqual({ about: 'Seam', state: 'ok', text: 'the API key is good' })
  for (const { secret } of endpoints) expect(JSON.stringify(lines)).not.toContain(secret ?? SECRET)
  expect(JSON.stringify(lines)).not.toContain('s3cret')
  for (const { state, advice } of lines) expect(advice === undefined).toBe(state === 'ok')
  return lines.map(({ state, text }) => `${state}: ${text}`)
}

test('an endpoint with this path, these types and this secret is right', () => {
  expect(verdicts([endpoint])).toEqual([
    'ok: Seam posts to https://relay.example.com/webhooks/seam; is that this one? --webhook-url compares',
    'ok: its signing secret is one of SEAM_WEBHOOK_SECRET',
    'ok: it sends all types; those that ACCEPT_EVENT_TYPES does not name are ignored',
  ])
})

test('no endpoint for this seam-relay is wrong, and those that are there are named', () => {
  const other = { ...endpoint, url: 'https://other.example.com/hooks?key=s3cret', secret: newSecret() }
  expect(verdicts([])).toEqual([expect.stringContaining('(it has: none)')])
  expect(verdicts([other])).toEqual([expect.stringContaining('(it has: https://other.example.com/hooks)')])
})

test('another secret is wrong; one that Seam does not tell is to be looked at', () => {
  expect(verdicts([{ ...endpoint, secret: newSecret() }])[1]).toMatch(/^wrong: .*signature_mismatch/)
  expect(verdicts([{ ...endpoint, secret: null }])[1]).toMatch(/^look: Seam does not tell/)
})

test.each<[string, string[] | null, string[], string]>([
  ['all, unsaid', null, ['acs_credential.*'], 'ok: it sends all types; those'],
  ['all', ['*'], ['*'], 'ok: it sends all types, and all are taken in'],
  [
    'one of four',
    ['acs_credential.issued'],
    ['acs_credential.*'],
    'wrong: it does not send acs_credential.deleted, acs_credential.reissued, acs_credential.invalidated,',
  ],
  [
    'exactly those',
    ['acs_credential.issued'],
    ['acs_credential.issued'],
    'ok: it sends the types of ACCEPT_EVENT_TYPES',
  ],
  [
    'more than those',
    ['acs_credential.issued', 'device.connected'],
    ['acs_credential.issued'],
    'ok: it sends the types of ACCEPT_EVENT_TYPES; device.connected is ignored',
  ],
  [
    'none of a family',
    ['acs_credential.issued'],
    ['acs_credential.issued', 'access_method.*'],
    'wrong: it does not send access_method.*,',
  ],
  ['one of an unknown family', ['access_method.issued'], ['access_method.*'], 'ok: it sends the types'],
])('types: %s', (_what, eventTypes, acceptEventTypes, line) => {
  expect(verdicts([{ ...endpoint, eventTypes }], { acceptEventTypes })[2]).toContain(line)
})

test('with --webhook-url, the URL is compared', () => {
  const here = new URL('https://relay.example.com/webhooks/seam?key=s3cret')
  expect(verdicts([endpoint], { webhookUrl: here })[0]).toBe(
    'ok: Seam posts to https://relay.example.com/webhooks/seam',
  )
  const elsewhere = new URL('https://new.example.com/webhooks/seam')
  // The secret tells that it is ours.
  expect(verdicts([endpoint], { webhookUrl: elsewhere })[0]).toMatch(/^wrong: Seam posts to .*, and not to/)
  expect(verdicts([{ ...endpoint, secret: null }], { webhookUrl: elsewhere })).toHaveLength(1)
})

test('without TLS it is to be looked at', () => {
  expect(verdicts([{ ...endpoint, url: 'http://relay.example.com/webhooks/seam' }])[0]).toMatch(
    /^look: .*not encrypted/,
  )
})

test.each([
  [401, 'wrong', 'refuses the API key'],
  [429, 'look', 'asked too often'],
  [500, 'look', 'answers 500'],
])('a %d of the API', (status, state, text) => {
  const [line, ...more] = seamLines('Seam', { kind: 'refused', status, aheadMs: null }, expected)
  expect(more).toEqual([])
  expect(line).toMatchObject({ state, text: expect.stringContaining(text) as string })
})
