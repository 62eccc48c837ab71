import type { Facts, HookFacts } from '../../../src/operator/overview/facts.ts'

/** 10:00 UTC. */
export const NOW = Date.parse('2026-03-01T10:00:00Z')
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** All is well, but for what is given. */
export function facts(rest: Partial<Facts> = {}): Facts {
  return {
    nowMs: NOW,
    hooks: [hook()],
    revocations: [],
    failures: [],
    quarantine: { open: 0, oldestAgeMs: 0 },
    webhooks: { lastAt: NOW - MINUTE_MS, acceptedLastHour: 12, usualPerHour: 12, expectedSinceLast: 0.2 },
    refusals: { mismatches: 0, fromKnownSenders: 0, since: null },
    reconciliation: null,
    ...rest,
  }
}

export function hook(rest: Partial<HookFacts> = {}): HookFacts {
  return {
    hook: 'access-log',
    isConfigured: true,
    breaker: 'closed',
    pause: null,
    pending: 0,
    dead: 0,
    oldestPendingAgeMs: 0,
    ...rest,
  }
}
