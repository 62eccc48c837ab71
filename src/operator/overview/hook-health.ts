import type { Hook } from '../../config/hook.ts'
import type { CountRow } from '../../store/records.ts'
import type { HookHealth } from '../api/shapes/overview.ts'
import type { HookFacts } from './facts.ts'

/** A hook's facts with what it is configured to be, as the API tells it. @param counts of the last hour */
export function hookHealth(
  facts: HookFacts,
  hook: Hook | undefined,
  counts: readonly CountRow[],
): HookHealth {
  const { pause } = facts
  return {
    hook: facts.hook,
    is_configured: facts.isConfigured,
    url: hook === undefined ? null : shownUrl(hook.url),
    events: hook?.events ?? [],
    ordering: hook?.ordering ?? null,
    breaker: facts.breaker,
    pause:
      pause === null
        ? null
        : {
            paused_at: new Date(pause.pausedAt).toISOString(),
            paused_by: pause.pausedBy,
            reason: pause.reason,
          },
    pending: facts.pending,
    dead: facts.dead,
    oldest_pending_age_ms: facts.oldestPendingAgeMs,
    delivered_last_hour: sumOf(counts, facts.hook, 'delivered'),
    failed_last_hour: sumOf(counts, facts.hook, 'failed'),
  }
}

/** A part of a path that is as long as this may be a token. */
const SHORTEST_TOKEN = 16

/** What follows the host may hold a secret: of the path only its beginning is shown, and of the query nothing. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  const first = pathname.split('/')[1] ?? ''
  if (first.length >= SHORTEST_TOKEN) return `${origin}/…`
  return `${origin}${pathname === `/${first}` ? pathname : `/${first}/…`}`
}

function sumOf(counts: readonly CountRow[], hook: string, kind: CountRow['kind']): number {
  return counts
    .filter((row) => row.hook === hook && row.kind === kind)
    .reduce((total, { count }) => total + count, 0)
}
