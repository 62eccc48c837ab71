import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SESSION_MS, createAccess } from '../../src/operator/access.ts'

const NOW = 1_767_225_600_000
const tokens = { token: 'correct horse', readToken: 'battery staple' }

test('a token tells who its bearer is, and nothing else does', () => {
  const access = createAccess(tokens)
  expect(access.byToken('correct horse')).toEqual({ actor: 'operator', may: 'act', until: null })
  expect(access.byToken('battery staple')).toEqual({ actor: 'reader', may: 'read', until: null })
  for (const wrong of ['', 'correct hors', 'correct horse ', 'Correct horse'])
    expect(access.byToken(wrong)).toBeNull()
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(access.byToken(text)).toBeNull()
    }),
  )
})

test('a sign-in is good at another replica with the same tokens, until its end', () => {
  const session = createAccess(tokens).newSession('act', NOW)
  const replica = createAccess(tokens)
  expect(replica.bySession(session, NOW)).toEqual({ actor: 'operator', may: 'act', until: NOW + SESSION_MS })
  expect(replica.bySession(session, NOW + SESSION_MS - 1)).not.toBeNull()
  expect(replica.bySession(session, NOW + SESSION_MS)).toBeNull()
  const read = createAccess(tokens).newSession('read', NOW)
  expect(replica.bySession(read, NOW)).toMatchObject({ actor: 'reader', may: 'read' })
})

test('a sign-in is void once its token is changed, and the other one is not', () => {
  const before = createAccess(tokens)
  const [act, read] = [before.newSession('act', NOW), before.newSession('read', NOW)]
  const after = createAccess({ ...tokens, token: 'another horse' })
  expect(after.bySession(act, NOW)).toBeNull()
  expect(after.bySession(read, NOW)).toMatchObject({ may: 'read' })
  expect(createAccess({ token: 'correct horse', readToken: undefined }).bySession(read, NOW)).toBeNull()
  expect(createAccess({ token: undefined, readToken: undefined }).bySession(act, NOW)).toBeNull()
})

test('a sign-in that was changed in any place is none', () => {
  const access = createAccess(tokens)
  const session = access.newSession('read', NOW)
  const signature = session.slice(session.lastIndexOf('.'))
  for (const forged of [
    `act.${NOW + SESSION_MS}${signature}`,
    `read.${NOW + SESSION_MS + 1}${signature}`,
    `read.${NOW + SESSION_MS}`,
    `read.${NOW + SESSION_MS}.`,
    `read.${NOW + SESSION_MS}${signature}=`,
    ` ${session}`,
    '',
  ])
    expect(access.bySession(forged, NOW)).toBeNull()
  fc.assert(
    fc.property(
      fc.nat(session.length - 1),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      (at, one) => {
        fc.pre(session[at] !== one)
        expect(access.bySession(session.slice(0, at) + one + session.slice(at + 1), NOW)).toBeNull()
      },
    ),
  )
})
