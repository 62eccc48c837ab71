import Type from 'typebox'
import type { Static } from 'typebox'
import {
  Code,
  Count,
  HookName,
  Id,
  State,
  Time,
  exactly,
  oneOf,
  orNull,
  pageQuery,
  searchedPageOf,
} from './fields.ts'

const deliveryState = {
  hook: HookName,
  state: State,
  /** Attempts that were really sent. */
  attempts: Count,
  settled_at: orNull(Time),
  due_at: orNull(Time),
  code: orNull(Code),
}
export const DeliveryState = exactly(deliveryState)

const eventFields = {
  event_id: Id,
  webhook_id: Id,
  message_id: Id,
  event_type: Type.String(),
  workspace_id: Type.String(),
  credential_id: orNull(Type.String()),
  system_id: orNull(Type.String()),
  account_id: orNull(Type.String()),
  occurred_at: Type.String({ description: 'As Seam wrote it.' }),
  accepted_at: Time,
  is_sample: Type.Boolean(),
  source: oneOf('webhook', 'reconciliation'),
  duplicates: Count,
}
export const EventSummary = exactly({ ...eventFields, deliveries: Type.Array(DeliveryState) })

export const Attempt = exactly({
  attempt: Type.Integer({ minimum: 1 }),
  started_at: Time,
  duration_ms: Count,
  status: orNull(Type.Integer()),
  code: orNull(Code),
  answer: orNull(Type.String({ description: 'The beginning of what the hook answered, as text.' })),
})
export const Delivery = exactly({
  ...deliveryState,
  failures: Count,
  failing_since: orNull(Time),
  replays: Count,
  /** From acceptance to delivery; null unless delivered. */
  delivered_after_ms: orNull(Type.Integer()),
  records: Type.Array(Attempt),
})
export const EventDetail = exactly({
  ...eventFields,
  payload: Type.Unknown({ description: 'The body, with PINs masked unless asked for with reveal=true.' }),
  masked: Type.Array(Type.String(), { description: 'JSON pointers of what was masked.' }),
  deliveries: Type.Array(Delivery),
})

export const EventsQuery = exactly({
  type: Type.Optional(Type.String({ maxLength: 100 })),
  credential: Type.Optional(Id),
  workspace: Type.Optional(Id),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
  ...pageQuery,
})
export const EventsPage = searchedPageOf(EventSummary)
export const RevealQuery = exactly({ reveal: Type.Optional(Type.Boolean({ default: false })) })

/** What a hook knows of a credential: its newest delivered event. */
export const KnownToHook = exactly({
  hook: HookName,
  /** Its newest event, as far as the hook has got it. */
  event_id: orNull(Id),
  event_type: orNull(Type.String()),
  known_since: orNull(Time),
  /** From the time when it occurred to the delivery. */
  after_seam_ms: orNull(Type.Integer()),
  /** Events that it has not got. */
  missing: Count,
})
export const CredentialStory = exactly({
  credential_id: Id,
  events: Type.Array(exactly({ ...eventFields, deliveries: Type.Array(Delivery) })),
  known_to: Type.Array(KnownToHook),
  /** There are older events than these. */
  is_complete: Type.Boolean(),
})

export const SearchQuery = exactly({ q: Type.String({ minLength: 1, maxLength: 200 }) })
export const SearchResult = exactly({
  items: Type.Array(
    exactly({
      kind: oneOf('event', 'credential', 'workspace', 'system', 'account', 'quarantine', 'replay'),
      id: Id,
      text: Type.String({ description: 'What it is, in a few words.' }),
      href: Type.String({ description: 'Where the page shows it, beginning with #/.' }),
    }),
  ),
})

export const DeliveriesQuery = exactly({
  state: Type.Optional(State),
  hook: Type.Optional(HookName),
  code: Type.Optional(Code),
  ...pageQuery,
})
export const DeliverySummary = exactly({
  event_id: Id,
  webhook_id: Id,
  event_type: Type.String(),
  credential_id: orNull(Type.String()),
  accepted_at: Time,
  ...deliveryState,
})
export const DeliveriesPage = searchedPageOf(DeliverySummary)

export const Failures = exactly({
  items: Type.Array(
    exactly({
      hook: HookName,
      code: orNull(Code),
      dead: Count,
      pending: Count,
      since: Time,
      /** False: there are more than could be looked at; a replay counts them all. */
      is_complete: Type.Boolean(),
      /** What the code means and what to do about it. */
      text: Type.String(),
      is_configured: Type.Boolean(),
    }),
  ),
})

export type EventSummary = Static<typeof EventSummary>
export type EventDetail = Static<typeof EventDetail>
export type Delivery = Static<typeof Delivery>
export type CredentialStory = Static<typeof CredentialStory>
export type SearchResult = Static<typeof SearchResult>
export type DeliverySummary = Static<typeof DeliverySummary>
export type Failures = Static<typeof Failures>
