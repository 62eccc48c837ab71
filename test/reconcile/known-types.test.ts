import { expect, test } from 'vitest'
import { credentialEventSchemas } from '../../src/events/event.ts'
import { KNOWN_EVENT_TYPES, typesToAskFor } from '../../src/reconcile/known-types.ts'

test('the list has every documented type once, the credential events among them', () => {
  expect(KNOWN_EVENT_TYPES).toHaveLength(109)
  expect(new Set(KNOWN_EVENT_TYPES).size).toBe(109)
  expect(KNOWN_EVENT_TYPES).toEqual(expect.arrayContaining(Object.keys(credentialEventSchemas)))
})

test('a family is expanded, because Seam takes exact names only', () => {
  expect(typesToAskFor(['acs_credential.*'])).toEqual([
    'acs_credential.deleted',
    'acs_credential.invalidated',
    'acs_credential.issued',
    'acs_credential.reissued',
  ])
  expect(typesToAskFor(['acs_credential.issued', 'acs_credential.issued', 'acs_system.*'])).toEqual([
    'acs_credential.issued',
    'acs_system.added',
    'acs_system.connected',
    'acs_system.disconnected',
  ])
})

test.each([
  [['*']],
  [['acs_credential.*', '*']],
  [['acs_credential.teleported']],
  [['spaceship.*', 'lock.*']],
])('for %j all types are asked for, and the filter is ours', (patterns) => {
  expect(typesToAskFor(patterns)).toBeNull()
})
