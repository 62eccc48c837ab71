import Type from 'typebox'
import type { Static } from 'typebox'
import { Code, Count, HookName, Id, NOT_BLANK, Time, exactly, oneOf, orNull, pageOf } from './fields.ts'
import { HookHealth } from './overview.ts'

export const SessionRequest = exactly({ token: Type.String({ minLength: 1, maxLength: 1000 }) })
export const Session = exactly({ may: oneOf('act', 'read') })

export const ReplayRequest = exactly({
  hook: Type.Optional(HookName),
  states: Type.Optional(
    Type.Array(oneOf('dead', 'delivered', 'pending'), { minItems: 1, uniqueItems: true }),
  ),
  /** Null: only those of which no code is recorded. */
  code: Type.Optional(orNull(Code)),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
  event_ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000 })),
  /** With `hook`: makes deliveries for the events from before the hook was there. */
  missing: Type.Optional(Type.Boolean()),
  per_second: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  dry_run: Type.Optional(Type.Boolean({ default: false })),
})
export const DryRun = exactly({ would_replay: Count })
export const BegunReplay = exactly({ id: Id, would_replay: Count })
export const Replay = exactly({
  id: Id,
  state: oneOf('running', 'finished', 'cancelled', 'failed'),
  would_replay: Count,
  replayed: Count,
  per_second: orNull(Type.Integer()),
  /** What was asked for, in the request's own words. */
  scope: Type.Record(Type.String(), Type.Unknown()),
  created_at: Time,
  ended_at: orNull(Time),
  error: orNull(Type.String()),
})
export const Replays = exactly({ items: Type.Array(Replay) })

export const DiscardRequest = exactly({ hook: HookName })
export const Discarded = exactly({ discarded: Count })
/** Dead letters that nobody means to replay: of one hook, and with `code` those whose last failure had it; null: of which none is recorded. */
export const DismissRequest = exactly({ hook: HookName, code: Type.Optional(orNull(Code)) })
export const Dismissed = exactly({ dismissed: Count })

export const Hooks = exactly({ items: Type.Array(HookHealth) })
export const PauseRequest = exactly({ reason: Type.String({ pattern: NOT_BLANK, maxLength: 500 }) })
export const Resumed = exactly({ resumed: Type.Boolean() })
/** What a signed sample to one hook was answered. */
export const HookTest = exactly({
  delivered: Type.Boolean(),
  status: orNull(Type.Integer()),
  code: orNull(Code),
  duration_ms: Count,
  answer: orNull(Type.String()),
  /** The `webhook-id` that it carried. */
  webhook_id: Id,
})

const quarantineFields = {
  id: Id,
  message_id: Id,
  received_at: Time,
  last_seen_at: Time,
  times_seen: Count,
  problems: Type.Array(exactly({ path: Type.String(), message: Type.String() })),
}
export const QuarantinePage = pageOf(exactly(quarantineFields))
export const QuarantineDetail = exactly({
  ...quarantineFields,
  /** As text; bytes that are not valid UTF-8 are replaced by U+FFFD. PINs are masked unless asked for. */
  body: Type.String(),
  is_utf8: Type.Boolean(),
  masked: Type.Array(Type.String()),
})
/** What the body is by today's schemas and settings. Anything but `quarantined` took it out of quarantine. */
export const JudgedAgain = exactly({
  status: oneOf('accepted', 'duplicate', 'ignored', 'quarantined'),
  event_id: orNull(Id),
  problems: Type.Array(exactly({ path: Type.String(), message: Type.String() })),
})
export const Dropped = exactly({ dropped: Type.Boolean() })

export const Refusals = exactly({
  items: Type.Array(
    exactly({
      at: Time,
      code: Code,
      address: Type.String(),
      /** The likely cause, in plain words. */
      text: Type.String(),
    }),
  ),
  /** Refused since this process started; only the newest 200 are listed. */
  total: Count,
})

export const ActionsPage = pageOf(
  exactly({
    number: Count,
    at: Time,
    actor: Type.String(),
    action: Type.String(),
    target: Type.String(),
    about: Type.Record(Type.String(), Type.Unknown()),
  }),
)

export const CountsQuery = exactly({
  since: Type.Optional(Time),
  /** A whole number of minutes, in seconds. */
  step: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400, multipleOf: 60, default: 60 })),
})
export const Counts = exactly({
  since: Time,
  until: Time,
  step_ms: Count,
  items: Type.Array(
    exactly({
      at: Time,
      accepted: Count,
      duplicate: Count,
      quarantined: Count,
      ignored: Count,
      refused: Type.Record(Type.String(), Count),
      hooks: Type.Record(Type.String(), exactly({ delivered: Count, failed: Count, dead: Count })),
      /** Delivered attempts by the upper bound, in milliseconds, of the time from acceptance to delivery. */
      latency_ms: Type.Record(Type.String(), Count),
    }),
  ),
})

export const ReconcileRequest = exactly({
  since: Time,
  until: Type.Optional(Time),
  dry_run: Type.Optional(Type.Boolean()),
})
export const Reconciled = exactly({ checked: Count, missed: Count, recovered: Count })

/** One message of the stream; its `id` goes into `Last-Event-ID`. `gap`: some were lost in between, look at the lists. */
export const StreamItem = exactly({
  kind: oneOf('accepted', 'quarantined', 'delivered', 'failed', 'dead'),
  at: Time,
  id: Id,
  event_type: orNull(Type.String()),
  hook: orNull(HookName),
  code: orNull(Code),
})
export const StreamGap = exactly({ skipped: orNull(Count) })

export type ReplayRequest = Static<typeof ReplayRequest>
export type Replay = Static<typeof Replay>
export type HookTest = Static<typeof HookTest>
export type QuarantineDetail = Static<typeof QuarantineDetail>
export type JudgedAgain = Static<typeof JudgedAgain>
export type Refusals = Static<typeof Refusals>
export type Counts = Static<typeof Counts>
export type Reconciled = Static<typeof Reconciled>
export type StreamItem = Static<typeof StreamItem>
