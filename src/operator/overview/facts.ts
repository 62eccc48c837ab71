import type { FailureGroup, UndeliveredOfHook } from '../../store/listings.ts'
import type { HookPause } from '../../store/records.ts'

/** All that an overview is made from, read at one moment. Times are in milliseconds since 1970. */
export interface Facts {
  nowMs: number
  hooks: readonly HookFacts[]
  /** For each hook that has not got them. */
  revocations: readonly UndeliveredOfHook[]
  failures: readonly FailureGroup[]
  quarantine: { open: number; oldestAgeMs: number }
  webhooks: WebhookFacts
  refusals: RefusalFacts
  /** `null`: reconciliation is off. */
  reconciliation: readonly WorkspaceFacts[] | null
}

export interface HookFacts {
  hook: string
  isConfigured: boolean
  /** `null` where it is not configured. */
  breaker: 'closed' | 'open' | 'recovering' | null
  pause: HookPause | null
  pending: number
  dead: number
  oldestPendingAgeMs: number
}

export interface WebhookFacts {
  /** When the last verified webhook came; `null`: none ever did. */
  lastAt: number | null
  acceptedLastHour: number
  /** How many come in this hour of the day on other days; `null` before there is a day of history. */
  usualPerHour: number | null
  /** How many would have come since the last one, by the days before; `null` before there is a day of history. */
  expectedSinceLast: number | null
}

/** What this process refused in the last hour because its signature did not fit. */
export interface RefusalFacts {
  mismatches: number
  /** Of these, from an address that also sends verified webhooks. */
  fromKnownSenders: number
  since: number | null
}

export interface WorkspaceFacts {
  workspaceId: string
  confirmedUntil: number | null
  /** Missed events of the last day that were taken in, and the span in which they lie. */
  recovered: { count: number; since: number; until: number } | null
  /** Spans that could not be checked, or whose events could not be taken in. */
  gaps: readonly { since: number; until: number; text: string }[]
  /** Since when Seam's API could not be asked, and why. */
  failing: { since: number; code: string; text: string } | null
}
