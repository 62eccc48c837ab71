import type { HookState } from '../observability/metrics.ts'
import type { Store } from '../store/store.ts'

export interface HookStatesOptions {
  store: Pick<Store, 'stats'>
  /** The breaker of each configured hook, by the hook's name. */
  breakers: () => ReadonlyMap<string, NonNullable<HookState['breaker']>>
}

/**
 * Reads what the store has for each hook and adds the state of its breaker. A hook that is no longer configured is
 * listed as long as it has deliveries, with `null` for its breaker.
 */
export async function readHookStates({ store, breakers }: HookStatesOptions): Promise<HookState[]> {
  const breakerOf = breakers()
  const statsOf = new Map((await store.stats()).map((stats) => [stats.hook, stats]))
  const names = new Set([...breakerOf.keys(), ...statsOf.keys()])
  return [...names].map((hook) => {
    const stats = statsOf.get(hook)
    return {
      hook,
      pending: stats?.pending ?? 0,
      dead: stats?.dead ?? 0,
      oldestPendingAgeMs: stats?.oldestPendingAgeMs ?? 0,
      breaker: breakerOf.get(hook) ?? null,
    }
  })
}
