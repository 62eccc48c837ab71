import Type from 'typebox'
import type { Static } from 'typebox'
import { Code, Count, HookName, Time, exactly, oneOf, orNull } from './fields.ts'

/** The kinds of findings, in the order of what they can cost. */
export const FINDING_KINDS = [
  'undelivered_revocations',
  'dead_letters',
  'breaker_open',
  'hook_paused',
  'missed_events',
  'late_deliveries',
  'silence',
  'quarantine',
  'refused_signatures',
  'removed_hook',
  'reconciliation_failing',
] as const

export const Finding = exactly({
  kind: oneOf(...FINDING_KINDS),
  severity: oneOf('act', 'attention'),
  count: Count,
  /** False: at least so many. */
  is_exact: Type.Boolean(),
  hook: Type.Optional(HookName),
  code: Type.Optional(Code),
  since: orNull(Time),
  /** Where it is about a span that is over. */
  until: Type.Optional(Time),
  text: Type.String({ description: 'What is wrong, in one sentence.' }),
  do: Type.String({ description: 'What to do, in one sentence.' }),
  /** Where the page goes on, beginning with #/. */
  href: Type.String(),
})

export const BreakerState = oneOf('closed', 'open', 'recovering')
export const Pause = exactly({ paused_at: Time, paused_by: Type.String(), reason: Type.String() })

export const HookHealth = exactly({
  hook: HookName,
  is_configured: Type.Boolean(),
  /** Where it is called, without user name, password and query; null where it is not configured. */
  url: orNull(Type.String()),
  events: Type.Array(Type.String()),
  ordering: orNull(oneOf('none', 'credential')),
  /** As this replica has it; null where it is not configured. */
  breaker: orNull(BreakerState),
  pause: orNull(Pause),
  pending: Count,
  dead: Count,
  oldest_pending_age_ms: Count,
  delivered_last_hour: Count,
  failed_last_hour: Count,
})

/** How far a workspace's events are confirmed against Seam's own list. */
export const WorkspaceReconciliation = exactly({
  workspace_id: Type.String(),
  confirmed_until: orNull(Time),
  lag_ms: orNull(Count),
  /** The oldest event that Seam's API gave back so far. */
  oldest_answer_at: orNull(Time),
  checked: Count,
  missed: Count,
  recovered: Count,
  failing: orNull(exactly({ since: Time, code: Code, text: Type.String() })),
  gaps: Type.Array(exactly({ since: Time, until: Time, text: Type.String() })),
})
export const Reconciliation = exactly({ workspaces: Type.Array(WorkspaceReconciliation) })

export const Overview = exactly({
  verdict: oneOf('ok', 'attention', 'act'),
  sentence: Type.String(),
  findings: Type.Array(Finding),
  hooks: Type.Array(HookHealth),
  webhooks: exactly({
    last_at: orNull(Time),
    accepted_last_hour: Count,
    /** How many are usual in this hour of the day; null before a day of history. */
    usual_per_hour: orNull(Type.Number()),
  }),
  quarantine: exactly({ open: Count, oldest_age_ms: Count }),
  reconciliation: orNull(Reconciliation),
  version: Type.String(),
  /** The store's time. */
  now: Time,
  /** What the caller may do: a read token sees everything and changes nothing. */
  may: oneOf('act', 'read'),
  /** False where no token is set: then nobody signs in, or out. */
  is_signed_in: Type.Boolean(),
})

export type Finding = Static<typeof Finding>
export type HookHealth = Static<typeof HookHealth>
export type Overview = Static<typeof Overview>
export type WorkspaceReconciliation = Static<typeof WorkspaceReconciliation>
