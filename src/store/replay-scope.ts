import type { ReplayFilter, ReplayMissing, ReplayScope, ReplayWalk, ReplayedState } from './replay-jobs.ts'

// What both stores make of a replay's scope.

/**
 * - `missing`: along the events.
 * - `dead`: along the index of the dead, hook after hook, so that a few of them are found at once among millions of others.
 * - `all`: along all deliveries, in the order of acceptance. Needed as soon as two states are asked for: an earlier
 *   event of a credential must be put back before a later one, whatever their states are.
 */
export type WalkKind = 'missing' | 'dead' | 'all'

export function walkKindOf(scope: ReplayScope): WalkKind {
  if (isMissing(scope)) return 'missing'
  const states = statesOf(scope)
  return scope.webhookIds === undefined && states.length === 1 && states[0] === 'dead' ? 'dead' : 'all'
}

export function isMissing(scope: ReplayScope): scope is ReplayMissing {
  return 'missing' in scope
}

export function statesOf({ states, webhookIds }: ReplayFilter): readonly ReplayedState[] {
  return states ?? (webhookIds === undefined ? ['dead'] : ['dead', 'delivered'])
}

/** A code for SQL, where null stands for any: no code is empty, so an empty text stands for none. */
export function soughtCode(code: string | null | undefined): string | null {
  return code === undefined ? null : (code ?? '')
}

/**
 * Two replicas number events in the order in which they begin to take them in, and each stamps its own: so the first
 * event of a span may have a somewhat higher number than one that was stamped after it.
 */
export const STAMPED_LATER = 1000

/** @param firstSeq the number of the first event that was accepted in the span; `null` if there is none */
export function walkFrom(
  scope: ReplayScope,
  firstSeq: number | null,
  uptoSeq: number,
  seqs: readonly number[] | null,
): ReplayWalk {
  const seq = firstSeq === null ? uptoSeq : Math.max(0, firstSeq - 1 - STAMPED_LATER)
  const isByHook = walkKindOf(scope) === 'dead'
  if (!isByHook) return { seq, hook: '', uptoSeq, seqs }
  return scope.hook === undefined
    ? { seq: 0, hook: '', uptoSeq, seqs }
    : { seq, hook: scope.hook, uptoSeq, seqs }
}

/** How many named events a step looks at. Each may have a delivery for every hook. */
const NAMED_AT_ONCE = 50

/** The next of the events that were named, the one that the walk stands at included; `null` where none were named. */
export function namedNext({ seq, seqs }: ReplayWalk): number[] | null {
  return seqs === null ? null : seqs.filter((one) => one >= seq).slice(0, NAMED_AT_ONCE)
}

/**
 * Where a walk stands after a step; `null`: it is through.
 * @param passed the last row that the step is done with; `null` if it saw none
 * @param isExhausted the step saw all there was for it, and is done with all of it
 */
export function walkOn(
  walk: ReplayWalk,
  passed: { seq: number; hook: string } | null,
  isExhausted: boolean,
): ReplayWalk | null {
  if (!isExhausted) return passed === null ? null : { ...walk, ...passed }
  const last = namedNext(walk)?.at(-1)
  return last === undefined || last === walk.seqs?.at(-1) ? null : { ...walk, seq: last + 1, hook: '' }
}

/** The event's patterns told apart, so that SQL only compares texts and their beginnings. */
export function patternsOf({ missing: { events } }: ReplayMissing): {
  all: boolean
  types: readonly string[]
  families: string[]
} {
  const families = events.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1))
  return { all: events.includes('*'), types: events, families }
}

/** How many deliveries a step may put back: no more than a tenth of a second's share at once. */
export function stepRows(limit: number, perSecond: number | null): number {
  return perSecond === null ? limit : Math.min(limit, Math.max(1, Math.ceil(perSecond / 10)))
}

/**
 * At an ordered hook: so many undelivered ones after a delivery are searched for one that is leased. Before that one there are
 * only those that wait for it, at most one of each replay that was cancelled meanwhile, and on Postgres what was committed late.
 */
export const LATER_LOOKED_AT = 32

/** A step looks at more rows than it puts back, because most of a long history does not fit. */
export const LOOKED_AT_FOR_EACH = 10
