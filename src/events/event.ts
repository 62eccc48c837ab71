import Type from 'typebox'
import type { Static } from 'typebox'

// Strict where Seam promises something, open where it grows: a field that is not named here passes through.

/** The shape of a UUID. The version digit is not checked: documentation samples carry none that RFC 9562 knows. */
export const UUID_PATTERN = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

/** ISO 8601 in UTC: `2025-06-15T16:54:17Z`, with one to nine digits of a second or none. */
const UTC_TIME_PATTERN =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?Z$'

/** `acs_credential.issued`, `device.connected`: lower-case words joined by dots. */
export const EVENT_TYPE_PATTERN = '^[a-z0-9_]+(\\.[a-z0-9_]+)*$'

const Uuid = Type.String({ pattern: UUID_PATTERN, description: 'a UUID (8-4-4-4-12 hexadecimal digits)' })
const UtcTime = Type.String({
  pattern: UTC_TIME_PATTERN,
  description: 'an ISO 8601 time in UTC, such as 2025-06-15T16:54:17.946Z',
})

const sharedFields = {
  event_id: Uuid,
  workspace_id: Uuid,
  created_at: UtcTime,
  occurred_at: UtcTime,
}

const credentialFields = {
  acs_system_id: Uuid,
  acs_credential_id: Uuid,
  connected_account_id: Type.Optional(Uuid),
  event_description: Type.Optional(Type.String({ description: 'a string' })),
}

/** What every Seam event has, of whatever type. */
export const SeamEventSchema = Type.Object({
  ...sharedFields,
  event_type: Type.String({
    pattern: EVENT_TYPE_PATTERN,
    maxLength: 100,
    description: 'a Seam event type, such as acs_credential.issued',
  }),
})

/** The four credential events, by their type. */
export const credentialEventSchemas = {
  'acs_credential.deleted': credentialEvent('acs_credential.deleted'),
  'acs_credential.issued': credentialEvent('acs_credential.issued'),
  'acs_credential.reissued': credentialEvent('acs_credential.reissued'),
  'acs_credential.invalidated': credentialEvent('acs_credential.invalidated'),
}

export type SeamEvent = Static<typeof SeamEventSchema>
export type CredentialEventType = keyof typeof credentialEventSchemas
export type CredentialEvent = Static<(typeof credentialEventSchemas)[CredentialEventType]>

/** The `event_id` of documentation samples and of the console's test sends: it names no event. */
export const SAMPLE_EVENT_ID = '00000000-0000-0000-0000-000000000000'

function credentialEvent<T extends string>(eventType: T) {
  return Type.Object({ ...sharedFields, ...credentialFields, event_type: Type.Literal(eventType) })
}
