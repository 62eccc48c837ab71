import { isUtf8 } from 'node:buffer'
import { Compile } from 'typebox/compile'
import type { Validator } from 'typebox/compile'
import { canonicalObject } from './canonical-json.ts'
import { contentHash } from './content-hash.ts'
import {
  EVENT_TYPE_PATTERN,
  SAMPLE_EVENT_ID,
  SeamEventSchema,
  UUID_PATTERN,
  credentialEventSchemas,
} from './event.ts'
import type { SeamEvent } from './event.ts'
import { matchesAny } from './event-pattern.ts'

/** What is wrong with a body. `path` is a JSON pointer (RFC 6901); it and `message` never carry the body's values. */
export interface BodyProblem {
  path: string
  message: string
}

/** What the bytes of a verified webhook turned out to be. */
export type Judgement =
  | { kind: 'event'; event: JudgedEvent }
  | { kind: 'ping' }
  | { kind: 'outside'; eventType: string }
  | { kind: 'misfit'; problems: BodyProblem[] }

export interface JudgedEvent {
  /** In lower case, whatever case it came in: ids that differ only in that are one id. */
  eventId: string
  eventType: string
  /** In lower case, like every id here. */
  workspaceId: string
  /**
   * What the event is about: its `acs_credential_id`, or else its `access_method_id`, or else its `access_grant_id`; `null` where it
   * names none. In lower case.
   */
  credentialId: string | null
  /** Its `acs_system_id` and `connected_account_id`, in lower case, where it names them. */
  systemId: string | null
  accountId: string | null
  occurredAt: string
  /** When Seam made it, by which its API lists events. */
  createdAt: string
  /** Carries the all-zero id of documentation samples and test sends. */
  isSample: boolean
  /** SHA-256 of the content, in hex. */
  contentHash: string
  /** The body as it was sent. Valid UTF-8 was checked, so text and bytes are the same thing. */
  body: string
}

const seamEvent = Compile(SeamEventSchema)
const credentialEvents = new Map<string, Validator>(
  Object.entries(credentialEventSchemas).map(([eventType, schema]) => [eventType, Compile(schema)]),
)
const FIELD_NAMES = new Set(
  [SeamEventSchema, ...Object.values(credentialEventSchemas)].flatMap(({ properties }) =>
    Object.keys(properties),
  ),
)
const eventTypeShape = new RegExp(EVENT_TYPE_PATTERN)
const uuidShape = new RegExp(UUID_PATTERN)
/** What an event can be about. The first that it names counts. */
const SUBJECT_FIELDS = ['acs_credential_id', 'access_method_id', 'access_grant_id'] as const
type SubjectField = (typeof SUBJECT_FIELDS)[number]

/**
 * Judges the bytes of a verified webhook: an event to take in, one of a type outside `accepted` patterns,
 * the sender's ping, or a misfit with its problems listed. Throws for no input.
 */
export function judge(bytes: Buffer, accepted: readonly string[]): Judgement {
  if (!isUtf8(bytes)) return misfit('', 'is not valid UTF-8')
  const body = bytes.toString()
  const parsed = parse(body)
  if ('problem' in parsed) return misfit('', parsed.problem)
  const value = parsed.value
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return misfit('', 'must be a JSON object')
  const { fields, repeated } = canonicalObject(body)
  // It is not clear which of the two counts, and a receiver's parser may take the other one.
  if (repeated.size > 0) return { kind: 'misfit', problems: [...repeated].map(repeatedProblem) }
  if (isPing(value)) return { kind: 'ping' }

  const eventType: unknown = Object.hasOwn(value, 'event_type') ? (value as SeamEvent).event_type : undefined
  if (typeof eventType === 'string' && eventTypeShape.test(eventType) && !matchesAny(accepted, eventType)) {
    return { kind: 'outside', eventType }
  }
  const validator = (typeof eventType === 'string' && credentialEvents.get(eventType)) || seamEvent
  if (!validator.Check(value)) return { kind: 'misfit', problems: problemsOf(validator, value) }

  const event = value as SeamEvent &
    Partial<Record<SubjectField | 'acs_system_id' | 'connected_account_id', unknown>>
  const eventId = event.event_id.toLowerCase()
  fields.set('event_id', JSON.stringify(eventId))
  return {
    kind: 'event',
    event: {
      eventId,
      eventType: event.event_type,
      workspaceId: event.workspace_id.toLowerCase(),
      credentialId: SUBJECT_FIELDS.map((name) => uuidOrNull(event[name])).find((id) => id !== null) ?? null,
      systemId: uuidOrNull(event.acs_system_id),
      accountId: uuidOrNull(event.connected_account_id),
      occurredAt: event.occurred_at,
      createdAt: event.created_at,
      isSample: eventId === SAMPLE_EVENT_ID,
      contentHash: contentHash(fields),
      body,
    },
  }
}

function misfit(path: string, message: string): Judgement {
  return { kind: 'misfit', problems: [{ path, message }] }
}

/** The parser's own message quotes the text, which may not go into an answer or a log. */
function parse(body: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(body) as unknown }
  } catch {
    if (body === '') return { problem: 'is empty' }
    if (body.startsWith('\uFEFF'))
      return { problem: 'begins with a byte-order mark, which JSON does not allow' }
    return { problem: 'is not valid JSON' }
  }
}

/** A name that no schema knows may be anything, so it is not repeated. */
function repeatedProblem(name: string): BodyProblem {
  return FIELD_NAMES.has(name)
    ? { path: `/${name}`, message: 'occurs more than once' }
    : { path: '', message: 'has a field more than once' }
}

/** The sender's "are you there": exactly `{"success": true}`. */
function isPing(value: object): boolean {
  return 'success' in value && value.success === true && Object.keys(value).length === 1
}

/** An event of a type that this version does not know promises nothing about its other fields. */
function uuidOrNull(value: unknown): string | null {
  return typeof value === 'string' && uuidShape.test(value) ? value.toLowerCase() : null
}

function problemsOf(validator: Validator, value: object): BodyProblem[] {
  const properties = (
    validator.Type() as { properties: Record<string, { description?: string; const?: string }> }
  ).properties
  return validator.Errors(value).flatMap((error): BodyProblem[] => {
    if (error.keyword === 'required') {
      const names = (error.params as { requiredProperties: string[] }).requiredProperties
      return names.map((name) => ({ path: `/${name}`, message: 'is missing' }))
    }
    const expected = properties[error.instancePath.slice(1)]?.description
    return [
      { path: error.instancePath, message: expected === undefined ? error.message : `must be ${expected}` },
    ]
  })
}
