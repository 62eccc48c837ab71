import type { Hook } from '../../config/hook.ts'
import type { Refused } from '../../ingest/recent-webhooks.ts'
import type { HookState } from '../../observability/state-gauges.ts'
import type { Listings } from '../../store/listings.ts'
import type { HookPause, RecordQuestions } from '../../store/records.ts'
import type { Clock } from '../../time/clock.ts'
import type { HookHealth, Overview, WorkspaceReconciliation } from '../api/shapes/overview.ts'
import { reused } from '../reused.ts'
import type { Statistics } from '../statistics.ts'
import type { Facts, HookFacts, RefusalFacts, WorkspaceFacts } from './facts.ts'
import { findingsOf } from './findings.ts'
import { hookHealth } from './hook-health.ts'
import { REVOCATIONS, REVOCATION_LATE_MS } from './revocations.ts'
import { sentenceOf, verdictOf } from './sentence.ts'
import { createWebhookFacts } from './webhook-facts.ts'

export interface OverviewOptions {
  reader: Pick<Listings, 'undeliveredOf' | 'failures'> & Pick<RecordQuestions, 'counts' | 'pauses'>
  statistics: () => Promise<Statistics>
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  breakers: () => ReadonlyMap<string, NonNullable<HookState['breaker']>>
  recent: { refusals(): readonly Refused[]; readonly lastVerifiedAt: number | null }
  /** `null`: reconciliation is off. */
  reconciliation: () => Promise<Reconciled[] | null>
  version: string
  clock: Clock
}

/** A workspace as the API tells it, and what of it is worth a finding. */
export interface Reconciled {
  shown: WorkspaceReconciliation
  facts: WorkspaceFacts
}

/** Everything but what the caller may do. */
export type RelayOverview = Omit<Overview, 'may' | 'is_signed_in'>

const HOUR_MS = 3_600_000
/** Five open pages and a script ask as one. */
const REUSE_MS = 1000
/** A page that watches asks every second or two. It need not wait each time until the store has looked at all that is undelivered. */
const MEANWHILE_MS = 3000

/** Answers "is anything lost or late, and must I act?". */
export function createOverview(options: OverviewOptions): () => Promise<RelayOverview> {
  const { reader, statistics, hooks, breakers, recent, clock } = options
  const webhookFacts = createWebhookFacts(options)
  return reused(read, REUSE_MS, clock, MEANWHILE_MS)

  async function read(): Promise<RelayOverview> {
    const now = clock.wallMs()
    const [stats, pauses, revocations, failures, counts, webhooks, reconciled] = await Promise.all([
      statistics(),
      reader.pauses(),
      reader.undeliveredOf(REVOCATIONS, REVOCATION_LATE_MS),
      reader.failures(),
      reader.counts({ since: now - HOUR_MS, until: now + HOUR_MS, stepMs: HOUR_MS }),
      webhookFacts(now),
      options.reconciliation(),
    ])
    const hookFacts = hookFactsOf(stats, pauses, breakers())
    const facts: Facts = {
      nowMs: now,
      hooks: hookFacts,
      revocations,
      failures,
      quarantine: { open: stats.quarantine.open, oldestAgeMs: stats.quarantine.oldestAgeMs ?? 0 },
      webhooks,
      refusals: refusalFacts(recent.refusals(), now),
      reconciliation: reconciled?.map((workspace) => workspace.facts) ?? null,
    }
    const findings = findingsOf(facts)
    const healthOf = (one: HookFacts): HookHealth =>
      hookHealth(
        one,
        hooks().find(({ name }) => name === one.hook),
        counts,
      )
    return {
      verdict: verdictOf(findings),
      sentence: sentenceOf(findings),
      findings: findings.map(({ since, until, ...finding }) => ({
        ...finding,
        since: timeOrNull(since),
        ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
      })),
      hooks: hookFacts.map(healthOf),
      webhooks: {
        last_at: timeOrNull(webhooks.lastAt),
        accepted_last_hour: webhooks.acceptedLastHour,
        usual_per_hour: webhooks.usualPerHour === null ? null : Math.round(webhooks.usualPerHour * 10) / 10,
      },
      quarantine: { open: facts.quarantine.open, oldest_age_ms: facts.quarantine.oldestAgeMs },
      reconciliation:
        reconciled === null ? null : { workspaces: reconciled.map((workspace) => workspace.shown) },
      version: options.version,
      now: new Date(now).toISOString(),
    }
  }
}

function hookFactsOf(
  { hooks }: Statistics,
  pauses: readonly HookPause[],
  breakers: ReadonlyMap<string, NonNullable<HookState['breaker']>>,
): HookFacts[] {
  const statsOf = new Map(hooks.map((stats) => [stats.hook, stats]))
  // The configured ones first, in the order of their configuration.
  const names = new Set([...breakers.keys(), ...statsOf.keys()])
  return [...names].map((hook) => {
    const { pending = 0, dead = 0, oldestPendingAgeMs = null } = statsOf.get(hook) ?? {}
    return {
      hook,
      isConfigured: breakers.has(hook),
      breaker: breakers.get(hook) ?? null,
      pause: pauses.find((pause) => pause.hook === hook) ?? null,
      pending,
      dead,
      oldestPendingAgeMs: Math.round(oldestPendingAgeMs ?? 0),
    }
  })
}

/** Of the last hour, as far as they are remembered. */
function refusalFacts(refusals: readonly Refused[], now: number): RefusalFacts {
  const mismatches = refusals.filter(({ code, at }) => code === 'signature_mismatch' && at > now - HOUR_MS)
  return {
    mismatches: mismatches.length,
    fromKnownSenders: mismatches.filter(({ isKnownSender }) => isKnownSender).length,
    since: mismatches.at(-1)?.at ?? null,
  }
}

function timeOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
