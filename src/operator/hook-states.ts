import type { HookState, RelayState } from '../observability/state-gauges.ts'
import type { HookStats } from '../store/reader.ts'
import type { Statistics } from './statistics.ts'

export interface RelayStateOptions {
  statistics: () => Promise<Statistics>
  /** The breaker of each configured hook, by the hook's name. */
  breakers: () => ReadonlyMap<string, NonNullable<HookState['breaker']>>
  /** Names of the hooks that a person has paused. */
  paused: () => ReadonlySet<string>
}

/**
 * Reads what the store has for each hook and adds the state of its breaker. A hook that is no longer configured is
 * listed as long as it has deliveries, with `null` for its breaker. Where the store cannot be read, only the configured
 * hooks are known, and nothing of their deliveries.
 */
export async function readRelayState({
  statistics,
  breakers,
  paused,
}: RelayStateOptions): Promise<RelayState> {
  const stored = await statistics().catch(() => null)
  const breakerOf = breakers()
  const statsOf = new Map((stored?.hooks ?? []).map((stats) => [stats.hook, stats]))
  const names = new Set([...breakerOf.keys(), ...statsOf.keys()])
  const hooks = [...names].map((hook) => ({
    hook,
    deliveries: stored === null ? null : deliveriesIn(statsOf.get(hook)),
    breaker: breakerOf.get(hook) ?? null,
    isPaused: paused().has(hook),
  }))
  if (stored === null) return { hooks, quarantine: null }
  const { open, oldestAgeMs } = stored.quarantine
  return { hooks, quarantine: { open, oldestAgeMs: oldestAgeMs ?? 0 } }
}

function deliveriesIn(stats: HookStats | undefined): NonNullable<HookState['deliveries']> {
  const { pending = 0, dead = 0, oldestPendingAgeMs = null } = stats ?? {}
  return { pending, dead, oldestPendingAgeMs: oldestPendingAgeMs ?? 0 }
}
