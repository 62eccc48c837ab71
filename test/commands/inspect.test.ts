import type { Static } from 'typebox'
import { expect, test } from 'vitest'
import { QuarantineDetail, Replay } from '../../src/operator/api/shapes/action.ts'
import {
  CredentialStory,
  EventDetail,
  EventsPage,
  SearchResult,
} from '../../src/operator/api/shapes/event.ts'
import { answering, answeringRaw, problem, startOperator } from './operator-stub.ts'
import type { Answer } from './operator-stub.ts'
import { runCommand } from './relay-command.ts'

const EVENT_ID = '6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e'
const CREDENTIAL_ID = 'c0a8012e-1111-4222-8333-944445555666'
const AT = '2026-03-01T10:00:00.000Z'

type Event = Static<typeof EventDetail>

const DEAD: Event['deliveries'][number] = {
  hook: 'access-log',
  state: 'dead',
  attempts: 2,
  settled_at: AT,
  due_at: null,
  code: 'http_status',
  failures: 2,
  failing_since: AT,
  replays: 1,
  delivered_after_ms: null,
  records: [
    {
      attempt: 1,
      started_at: AT,
      duration_ms: 12,
      status: 500,
      code: 'http_status',
      answer: 'no\nsecond line',
    },
    { attempt: 2, started_at: AT, duration_ms: 3, status: null, code: 'connection_refused', answer: null },
  ],
}

const FIELDS = {
  event_id: EVENT_ID,
  webhook_id: EVENT_ID,
  message_id: 'msg_1',
  event_type: 'acs_credential.deleted',
  workspace_id: 'w',
  credential_id: CREDENTIAL_ID,
  system_id: 's',
  account_id: null,
  occurred_at: '2026-03-01T09:59:58.123456Z',
  accepted_at: AT,
  is_sample: false,
  source: 'webhook' as const,
  duplicates: 2,
}
const EVENT: Event = {
  ...FIELDS,
  payload: { event_id: EVENT_ID, code: '****', note: '\u001b[2J' },
  masked: ['/code'],
  deliveries: [DEAD],
}

type Hit = Static<typeof SearchResult>['items'][number]

function found(...items: Pick<Hit, 'kind' | 'id'>[]): Answer {
  const told = items.map((item) => ({ ...item, text: `a ${item.kind}`, href: '#/' }))
  return answering(SearchResult, { items: told })
}

test('an event is shown with every attempt of every hook, and its payload masked', async () => {
  const { url, asked } = await startOperator({
    'GET /api/search': found({ kind: 'event', id: EVENT_ID }),
    [`GET /api/events/${EVENT_ID}`]: answering(EventDetail, EVENT),
  })
  const { code, stdout, stderr } = await runCommand(['inspect', 'msg_1', '--url', url])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(asked[0]?.query).toEqual({ q: 'msg_1' })
  expect(asked[1]?.query).toEqual({})
  expect(stdout).toMatch(/^type +acs_credential\.deleted$/m)
  expect(stdout).toMatch(/^sent again +2 times$/m)
  expect(stdout).toContain(
    'access-log  dead since 2026-03-01 10:00:00Z, 2 attempts, last failure http_status, replayed 1 time\n',
  )
  expect(stdout).toMatch(/^ {4}attempt 1 {2}2026-03-01 10:00:00Z {2}12 ms {2}500 http_status +no$/m)
  expect(stdout).toContain('payload (masked: /code; --reveal shows them)\n')
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

test('--reveal asks for PINs, which the action log of the relay keeps', async () => {
  const { url, asked } = await startOperator({
    'GET /api/search': found({ kind: 'event', id: EVENT_ID }),
    [`GET /api/events/${EVENT_ID}`]: answering(EventDetail, { ...EVENT, masked: [] }),
  })
  const { stdout } = await runCommand(['inspect', EVENT_ID, '--reveal', '--url', url])
  expect(asked[1]?.query).toEqual({ reveal: 'true' })
  expect(stdout).toContain('\npayload\n')
})

test('a credential is shown as its story: who knows what since when, and who does not', async () => {
  const { records: _, ...unsent } = DEAD
  const known = { hook: 'printer', event_id: EVENT_ID, event_type: 'acs_credential.deleted', known_since: AT }
  const story: Static<typeof CredentialStory> = {
    credential_id: CREDENTIAL_ID,
    events: [{ ...FIELDS, deliveries: [{ ...unsent, records: [] }] }],
    known_to: [
      { ...known, after_seam_ms: 2000, missing: 0 },
      {
        hook: 'access-log',
        event_id: null,
        event_type: null,
        known_since: null,
        after_seam_ms: null,
        missing: 1,
      },
    ],
    is_complete: false,
  }
  const { url } = await startOperator({
    'GET /api/search': found({ kind: 'credential', id: CREDENTIAL_ID }),
    [`GET /api/credentials/${CREDENTIAL_ID}`]: answering(CredentialStory, story),
  })
  const { stdout } = await runCommand(['inspect', CREDENTIAL_ID, '--url', url])
  expect(stdout).toMatch(
    /^printer +knows acs_credential\.deleted since 2026-03-01 10:00:00Z {2}2 s after it occurred$/m,
  )
  expect(stdout).toMatch(/^access-log +has got none of its events +has not got 1 event$/m)
  expect(stdout).toContain('(there are older events than these)')
  expect(stdout).toContain(
    `2026-03-01T09:59:58.123456Z  acs_credential.deleted  ${EVENT_ID}\n    access-log  dead`,
  )
})

test.each<[Hit['kind'], string, Answer, RegExp]>([
  [
    'quarantine',
    '/api/quarantine/x',
    answering(QuarantineDetail, {
      id: 'x',
      message_id: 'msg_2',
      received_at: AT,
      last_seen_at: AT,
      times_seen: 3,
      problems: [{ path: '', message: 'is no JSON' }],
      body: 'not json',
      is_utf8: true,
      masked: [],
    }),
    /^problems\n {2}the body {2}is no JSON\n\nbody\n {2}not json$/m,
  ],
  [
    'replay',
    '/api/replays/x',
    answering(Replay, {
      id: 'x',
      state: 'running',
      would_replay: 10,
      replayed: 4,
      per_second: 2,
      scope: { hook: 'access-log' },
      created_at: AT,
      ended_at: null,
      error: null,
    }),
    /^done +4 of 10, at most 2 a second$/m,
  ],
  [
    'workspace',
    '/api/events',
    answering(EventsPage, { items: [{ ...FIELDS, deliveries: [] }], cursor: 'c', searched_back_to: null }),
    /^2026-03-01 10:00:00Z {2}acs_credential\.deleted {2}.*\n\(there are older ones\)$/m,
  ],
])('a %s is shown', async (kind, path, answer, expected) => {
  const { url } = await startOperator({
    'GET /api/search': found({ kind, id: 'x' }),
    [`GET ${path}`]: answer,
  })
  const { code, stdout } = await runCommand(['inspect', 'x', '--url', url])
  expect(code).toBe(0)
  expect(stdout).toContain(`${kind} x\na ${kind}\n`)
  expect(stdout).toMatch(expected)
})

test('an id that belongs to several things is shown as the first, and as another one with --as', async () => {
  const hits = found({ kind: 'system', id: 'x' }, { kind: 'account', id: 'x' })
  const { url } = await startOperator({ 'GET /api/search': hits })
  const first = await runCommand(['inspect', 'x', '--url', url])
  expect(first).toMatchObject({
    code: 0,
    stdout:
      'system x\na system\n\nalso found (--as KIND shows it, or its own id):\n  account  x  a account\n',
  })
  const other = await runCommand(['inspect', 'x', '--as', 'account', '--url', url])
  expect(other.stdout).toMatch(/^account x\n/)
  const none = await runCommand(['inspect', 'x', '--as', 'event', '--url', url])
  expect(none.code).toBe(1)
  expect(none.stderr).toContain('as event\n       It is known as: system, account.')
})

test('an id that nobody knows is not well', async () => {
  const { url } = await startOperator({ 'GET /api/search': found() })
  const { code, stdout, stderr } = await runCommand(['inspect', 'x\u001b', '--url', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('nothing is known by the id "x\\u001b"')
})

test('--json gives what was found and its detail as they came', async () => {
  const event = { ...EVENT, new_field: 1 }
  const { url } = await startOperator({
    'GET /api/search': found({ kind: 'event', id: EVENT_ID }),
    [`GET /api/events/${EVENT_ID}`]: answeringRaw(event),
  })
  const { stdout } = await runCommand(['inspect', EVENT_ID, '--url', url, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'event', id: EVENT_ID, detail: event })
})

test('a path is made of the id, whatever is in it', async () => {
  const { url, asked } = await startOperator({
    'GET /api/search': found({ kind: 'event', id: '../overview?x=1' }),
    'GET /api/events/..%2Foverview%3Fx%3D1': problem(404, 'not_found', 'There is no such event.'),
  })
  expect(await runCommand(['inspect', 'x', '--url', url])).toMatchObject({ code: 1 })
  expect(asked[1]?.call).toBe('GET /api/events/..%2Foverview%3Fx%3D1')
})
