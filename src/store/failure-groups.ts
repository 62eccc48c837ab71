import type { FailureGroup, UndeliveredOfHook } from './listings.ts'

// What both stores make of what they counted hook by hook.

/** How many deliveries of each kind a question looks at, over all hooks together. Each costs a lookup or two, some 10 µs. */
const LOOKED_AT_FOR_FAILURES = 2000
const LOOKED_AT_FOR_UNDELIVERED = 4000
/** And at each hook at least so many. */
const LEAST_LOOKED_AT = 100

export function rowsForEachHook(kind: 'failures' | 'undelivered', hooks: number): number {
  const inAll = kind === 'failures' ? LOOKED_AT_FOR_FAILURES : LOOKED_AT_FOR_UNDELIVERED
  return Math.max(LEAST_LOOKED_AT, Math.floor(inAll / Math.max(1, hooks)))
}

/** Of a hook's deliveries that were looked at, those that have failed with a code. */
export interface FailureCount {
  hook: string
  kind: 'dead' | 'pending'
  code: string | null
  count: number
  /** When the oldest of them was accepted, or last replayed. */
  since: number
}

/**
 * By hook, and of each the largest first.
 * @param cutShort the hooks that have more than was looked at
 */
export function failureGroups(
  counts: readonly FailureCount[],
  cutShort: ReadonlySet<string>,
): FailureGroup[] {
  const groups = new Map<string, FailureGroup>()
  for (const { hook, kind, code, count, since } of counts) {
    const key = JSON.stringify([hook, code])
    const group = groups.get(key) ?? {
      hook,
      code,
      dead: 0,
      pending: 0,
      since,
      isComplete: !cutShort.has(hook),
    }
    groups.set(key, { ...group, [kind]: group[kind] + count, since: Math.min(group.since, since) })
  }
  return [...groups.values()].toSorted(
    (a, b) =>
      compare(a.hook, b.hook) ||
      b.dead + b.pending - a.dead - a.pending ||
      compare(a.code ?? '', b.code ?? ''),
  )
}

/** Of a hook's dead, or of its pending and leased deliveries, what was asked for. */
export interface UndeliveredCount {
  hook: string
  /** Of its dead; otherwise of its pending and leased. */
  isDead: boolean
  count: number
  /** When the oldest that was looked at was accepted, or last replayed. */
  lookedSince: number
  /** The oldest of those that count; `null`: none does. */
  oldest: { seq: number; since: number } | null
  /** There are more than could be looked at. */
  isCutShort: boolean
}

/** Each hook that has not got something, or of which that is not known. @param codeOf the code of a delivery's last failure */
export function undeliveredOfHooks(
  counts: readonly UndeliveredCount[],
  codeOf: (seq: number, hook: string) => string | null,
): UndeliveredOfHook[] {
  const hooks: UndeliveredOfHook[] = []
  for (const [hook, parts] of Map.groupBy(counts, (part) => part.hook)) {
    const count = parts.reduce((sum, part) => sum + part.count, 0)
    const dead = parts.reduce((sum, part) => sum + (part.isDead ? part.count : 0), 0)
    const isComplete = !parts.some(({ isCutShort }) => isCutShort)
    if (count === 0 && isComplete) continue
    const oldest = parts.flatMap((part) => part.oldest ?? []).toSorted((a, b) => a.since - b.since)[0]
    const lookedSince = Math.min(...parts.map((part) => part.lookedSince))
    hooks.push({
      hook,
      count,
      dead,
      since: oldest?.since ?? lookedSince,
      code: oldest === undefined ? null : codeOf(oldest.seq, hook),
      isComplete,
    })
  }
  return hooks.toSorted((a, b) => compare(a.hook, b.hook))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
