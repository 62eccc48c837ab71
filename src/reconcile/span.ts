/**
 * The events that were created from `fromMs` on and before `toMs`, in milliseconds since 1970 on Seam's clock. Seam's times
 * are finer than that: an event belongs to the millisecond in which it was created.
 */
export interface Span {
  fromMs: number
  toMs: number
}

/** Seam leaves out both ends: so it is asked from a millisecond earlier, and gives at most a few events twice. */
export function exclusiveEnds({ fromMs, toMs }: Span): { afterMs: number; beforeMs: number } {
  return { afterMs: fromMs - 1, beforeMs: toMs }
}

/** The earlier and the later half; `null` for a single millisecond, which cannot be split. */
export function halvesOf({ fromMs, toMs }: Span): [Span, Span] | null {
  if (toMs - fromMs <= 1) return null
  const middle = Math.floor((fromMs + toMs) / 2)
  return [
    { fromMs, toMs: middle },
    { fromMs: middle, toMs },
  ]
}

/** How far back each pass looks behind what is confirmed: Seam may list an event late, or with an earlier time than the one before. */
export const OVERLAP_MS = 600_000
/** An id that is about to be forgotten could be taken for one that never came, and its event be delivered again. */
const FORGETTING_MARGIN_MS = 3_600_000

export interface PassSpan {
  span: Span
  /** A part that can no longer be compared, because ids of that time may be forgotten. */
  tooOld: Span | null
}

/**
 * What a pass has to compare; `null` where nothing is old enough.
 * @param nowMs what Seam's clock shows
 */
export function spanToCompare({
  nowMs,
  confirmedUntil,
  lookbackMs,
  settleMs,
  rememberedMs,
}: {
  nowMs: number
  confirmedUntil: number | null
  lookbackMs: number
  settleMs: number
  rememberedMs: number
}): PassSpan | null {
  const toMs = nowMs - settleMs
  const wanted = confirmedUntil === null ? nowMs - lookbackMs : confirmedUntil - OVERLAP_MS
  const earliest = earliestComparable(nowMs, rememberedMs)
  const fromMs = Math.max(wanted, earliest)
  if (fromMs >= toMs) return null
  const isCut = confirmedUntil !== null && confirmedUntil < earliest
  return { span: { fromMs, toMs }, tooOld: isCut ? { fromMs: confirmedUntil, toMs: earliest } : null }
}

/** Before this, an event's id may be forgotten. */
export function earliestComparable(nowMs: number, rememberedMs: number): number {
  return nowMs - rememberedMs + FORGETTING_MARGIN_MS
}
