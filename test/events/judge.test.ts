import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge } from '../../src/events/judge.ts'
import type { JudgedEvent, Judgement } from '../../src/events/judge.ts'
import { credentialEvent, documentedEvents, eventsAsSent } from '../support/credential-event.ts'

const CREDENTIALS = ['acs_credential.*']

const ONE = '6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e'
const OTHER = 'c0a8012e-1111-4222-8333-944445555666'

describe('a credential event', () => {
  test.each([
    'acs_credential.deleted',
    'acs_credential.issued',
    'acs_credential.reissued',
    'acs_credential.invalidated',
  ] as const)('of the type %s is taken in with what is read from it', (event_type) => {
    const event = credentialEvent({ event_type })
    expect(judgeValue(event)).toEqual({
      kind: 'event',
      event: {
        eventId: event.event_id,
        eventType: event_type,
        workspaceId: event.workspace_id,
        credentialId: event.acs_credential_id,
        systemId: event.acs_system_id,
        accountId: event.connected_account_id,
        occurredAt: event.occurred_at,
        createdAt: event.created_at,
        isSample: false,
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        body: JSON.stringify(event),
      },
    })
  })

  test.each([
    [{ acs_credential_id: ONE, access_method_id: OTHER, access_grant_id: OTHER }, ONE],
    [{ access_method_id: ONE.toUpperCase(), access_grant_id: OTHER }, ONE],
    [{ access_grant_id: ONE }, ONE],
    [{ acs_credential_id: 7, access_method_id: 'none' }, null],
  ])('of another type, with %j, is about %s', (fields, expected) => {
    const { event_id, workspace_id, created_at, occurred_at } = credentialEvent()
    const event = {
      event_id,
      workspace_id,
      created_at,
      occurred_at,
      event_type: 'access_method.revoked',
      ...fields,
    }
    expect(eventOf(judgeValue(event, ['*'])).credentialId).toBe(expected)
  })

  test('keeps its text as it came, white space, order and escapes', () => {
    const text = `\n ${JSON.stringify(credentialEvent({ note: 'ä' }), null, 3).replace('ä', '\\u00e4')}\t`
    expect(eventOf(judge(Buffer.from(text), CREDENTIALS)).body).toBe(text)
  })

  test.each(documentedEvents)('as documented, $event_type, is a sample', (event) => {
    expect(eventOf(judgeValue(event)).isSample).toBe(true)
  })

  test.each(eventsAsSent)('that shows "$why" is taken in', ({ event }) => {
    expect(eventOf(judgeValue(event)).eventId).toBe(event.event_id)
  })

  test('may have any field besides', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (more) => {
        const event = { ...more, ...credentialEvent() }
        expect(judgeValue(event).kind).toBe('event')
      }),
    )
  })

  test('may nest 100,000 deep in a field besides', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const text = JSON.stringify(credentialEvent({ deep: 0 })).replace('"deep":0', `"deep":${deep}`)
    expect(judge(Buffer.from(text), CREDENTIALS).kind).toBe('event')
  })

  test.each(['event_id', 'workspace_id', 'created_at', 'occurred_at', 'acs_system_id', 'acs_credential_id'])(
    'without %s is a misfit',
    (field) => {
      expect(problemsOf(credentialEvent({ [field]: undefined }))).toEqual([
        { path: `/${field}`, message: 'is missing' },
      ])
    },
  )

  test.each(['connected_account_id', 'event_description'])('without %s is taken in', (field) => {
    expect(judgeValue(credentialEvent({ [field]: undefined })).kind).toBe('event')
  })

  const uuid = 'must be a UUID (8-4-4-4-12 hexadecimal digits)'
  const time = 'must be an ISO 8601 time in UTC, such as 2025-06-15T16:54:17.946Z'
  test.each([
    ['event_id', 'evt_1', uuid],
    ['event_id', 7, uuid],
    ['event_id', ' 22222222-3333-4444-5555-666666666666', uuid],
    ['workspace_id', null, uuid],
    ['acs_credential_id', ['22222222-3333-4444-5555-666666666666'], uuid],
    ['acs_system_id', '22222222333344445555666666666666', uuid],
    ['connected_account_id', null, uuid],
    ['event_description', 5, 'must be a string'],
    ['created_at', '2025-06-15', time],
    ['created_at', '2025-06-15T16:54:17+00:00', time],
    ['created_at', '2025-13-15T16:54:17Z', time],
    ['occurred_at', '2025-06-15T24:00:00Z', time],
    ['occurred_at', '2025-06-15T16:54:17.Z', time],
    ['occurred_at', 1_750_000_000, time],
  ])('whose %s is %j is a misfit', (field, value, message) => {
    expect(problemsOf(credentialEvent({ [field]: value }))).toEqual([{ path: `/${field}`, message }])
  })

  test.each(['', '.9', '.946', '.946329', '.946329123'])('may have "%s" of a second', (fraction) => {
    const occurred_at = `2025-06-15T16:54:17${fraction}Z`
    expect(eventOf(judgeValue(credentialEvent({ occurred_at }))).occurredAt).toBe(occurred_at)
  })

  test('may have an id of a version that no standard knows', () => {
    const event_id = '22222222-3333-4444-5555-66666666abcd'
    expect(eventOf(judgeValue(credentialEvent({ event_id }))).eventId).toBe(event_id)
  })

  test('is the same event whatever the case of its id, and keeps its text', () => {
    const event = credentialEvent({ event_id: '22222222-3333-4444-5555-66666666abcd' })
    const upper = { ...event, event_id: event.event_id.toUpperCase() }
    const judged = eventOf(judgeValue(upper))
    expect(judged).toEqual({ ...eventOf(judgeValue(event)), body: JSON.stringify(upper) })
  })

  test('has all of its problems listed', () => {
    const { created_at: _left, ...event } = credentialEvent({ event_id: 'x', acs_system_id: 'x' })
    expect(problemsOf(event).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/event_id', '/created_at', '/acs_system_id']),
    )
    expect(problemsOf(event)).toHaveLength(3)
  })
})

describe('an event of another type', () => {
  test.each(['device.connected', 'acs_credential', 'acs_credentials.issued', 'nobody.knows.yet', 'ping'])(
    '%s is outside, whatever else it has',
    (event_type) => {
      expect(judgeValue({ event_type })).toEqual({ kind: 'outside', eventType: event_type })
    },
  )

  test('is taken in where it is accepted, by what all events share', () => {
    const { acs_credential_id: _id, acs_system_id: _system, ...shared } = credentialEvent()
    const event = { ...shared, event_type: 'device.connected' }
    expect(eventOf(judgeValue(event, ['*']))).toMatchObject({
      eventType: 'device.connected',
      credentialId: null,
    })
    expect(problemsOf({ ...event, workspace_id: undefined }, ['*'])).toEqual([
      { path: '/workspace_id', message: 'is missing' },
    ])
  })

  test('names a credential where it has the id of one', () => {
    const event = { ...credentialEvent(), event_type: 'acs_credential.suspended' }
    expect(eventOf(judgeValue(event)).credentialId).toBe(event.acs_credential_id)
    expect(eventOf(judgeValue({ ...event, acs_credential_id: 'x' })).credentialId).toBeNull()
  })

  test.each(['Device.connected', 'device..connected', '.device', 'device.', 'device connected', '', 7, null])(
    'whose type is %j is a misfit, not outside',
    (event_type) => {
      expect(problemsOf({ ...credentialEvent(), event_type })).toEqual([
        {
          path: '/event_type',
          message: 'must be a Seam event type, such as acs_credential.issued',
        },
      ])
    },
  )

  test('whose type is longer than any type is a misfit', () => {
    const event_type = `acs_credential.${'x'.repeat(100)}`
    expect(problemsOf({ ...credentialEvent(), event_type }).map(({ path }) => path)).toEqual(['/event_type'])
  })
})

describe('what is no event', () => {
  test('is the ping if it is exactly that', () => {
    expect(judgeValue({ success: true })).toEqual({ kind: 'ping' })
    expect(judge(Buffer.from(' {"success" : true}\n'), CREDENTIALS)).toEqual({ kind: 'ping' })
    expect(judgeValue({ success: false }).kind).toBe('misfit')
    expect(judgeValue({ success: true, more: 1 }).kind).toBe('misfit')
  })

  test.each([
    ['', 'is empty'],
    ['{', 'is not valid JSON'],
    ['{}{}', 'is not valid JSON'],
    ['\uFEFF{}', 'begins with a byte-order mark, which JSON does not allow'],
    ['null', 'must be a JSON object'],
    ['[]', 'must be a JSON object'],
    ['"text"', 'must be a JSON object'],
    ['7', 'must be a JSON object'],
  ])('is a misfit: %j', (text, message) => {
    expect(judge(Buffer.from(text), ['*'])).toEqual({ kind: 'misfit', problems: [{ path: '', message }] })
  })

  test.each([
    ['a byte that UTF-8 never has', [0x22, 0xff, 0x22]],
    ['half a character', [0x22, 0xc3, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ])('is a misfit where the bytes have %s', (_what, bytes) => {
    expect(judge(Buffer.from(bytes), ['*'])).toEqual({
      kind: 'misfit',
      problems: [{ path: '', message: 'is not valid UTF-8' }],
    })
  })

  test.each([
    ['"event_id"', '/event_id', 'occurs more than once'],
    ['"event\\u005fid"', '/event_id', 'occurs more than once'],
    ['"acs_credential_id"', '/acs_credential_id', 'occurs more than once'],
  ])('is a misfit where its field %s comes twice', (name, path, message) => {
    for (const value of ['"22222222-3333-4444-5555-666666666666"', 'null']) {
      const text = JSON.stringify(credentialEvent()).replace(/}$/, `, ${name} : ${value}}`)
      expect(judge(Buffer.from(text), CREDENTIALS)).toEqual({ kind: 'misfit', problems: [{ path, message }] })
    }
  })

  test('is a misfit where a field that no schema knows comes twice, and its name is not told', () => {
    const text = JSON.stringify(credentialEvent()).replace(/}$/, ',"hunter2":1,"hunter2":1}')
    expect(judge(Buffer.from(text), CREDENTIALS)).toEqual({
      kind: 'misfit',
      problems: [{ path: '', message: 'has a field more than once' }],
    })
  })

  test('is none of that where a key comes twice further down, or in two objects', () => {
    const text = JSON.stringify(credentialEvent()).replace(/}$/, ',"more":[{"a":1,"a":2},{"event_id":1}]}')
    expect(judge(Buffer.from(text), CREDENTIALS).kind).toBe('event')
  })

  test('takes no field from the prototype', () => {
    const { event_type: _left, ...rest } = credentialEvent()
    const text = JSON.stringify(rest).replace('{', '{"__proto__":{"event_type":"device.connected"},')
    expect(judge(Buffer.from(text), CREDENTIALS)).toMatchObject({
      kind: 'misfit',
      problems: [{ path: '/event_type', message: 'is missing' }],
    })
  })
})

test('nothing makes the judge throw, and no problem tells what stood in the body', () => {
  const strange = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record({ field: fc.constantFrom(...Object.keys(credentialEvent())), value: fc.jsonValue() })
      .map(({ field, value }) => Buffer.from(JSON.stringify(credentialEvent({ [field]: value })))),
    fc
      .constantFrom(...Object.keys(credentialEvent()))
      .map((field) => Buffer.from(JSON.stringify(credentialEvent({ [field]: 'hunter2' })))),
  )
  fc.assert(
    fc.property(strange, (bytes) => {
      const judgement = judge(bytes, ['*'])
      if (judgement.kind !== 'misfit') return
      expect(judgement.problems.length).toBeGreaterThan(0)
      expect(JSON.stringify(judgement.problems)).not.toContain('hunter2')
    }),
  )
})

function judgeValue(value: unknown, accepted: readonly string[] = CREDENTIALS): Judgement {
  return judge(Buffer.from(JSON.stringify(value)), accepted)
}

function eventOf(judgement: Judgement): JudgedEvent {
  if (judgement.kind !== 'event') throw new Error(`no event but: ${JSON.stringify(judgement)}`)
  return judgement.event
}

function problemsOf(value: unknown, accepted?: readonly string[]) {
  const judgement = judgeValue(value, accepted)
  if (judgement.kind !== 'misfit') throw new Error(`no misfit but: ${judgement.kind}`)
  return judgement.problems
}
