import type { Hook } from '../config/hook.ts'
import type { NextState } from '../store/store.ts'
import type { Outcome } from './outcome.ts'

/**
 * Where a delivery goes after an attempt. Pure: the same arguments give the same answer.
 * @param failures failed attempts before this one
 * @param ageMs since acceptance, at the end of this attempt
 * @param random a number from 0 up to 1, the jitter's source
 */
export function nextState(
  outcome: Outcome,
  { failures, ageMs }: { failures: number; ageMs: number },
  retry: Hook['retry'],
  random: number,
): NextState {
  switch (outcome.kind) {
    case 'delivered':
      return { state: 'delivered' }
    case 'refused':
      return { state: 'dead', failures: failures + 1 }
    case 'interrupted':
      return { state: 'pending', delayMs: 0, failures }
    case 'failed': {
      const leftMs = retry.giveUpAfterMs - ageMs
      if (leftMs <= 0) return { state: 'dead', failures: failures + 1 }
      const delayMs = retryDelayMs(failures, outcome.retryAfterMs, retry, random)
      // The last try comes when the time is up, not a whole delay after it.
      return { state: 'pending', delayMs: Math.min(delayMs, leftMs), failures: failures + 1 }
    }
  }
}

/**
 * Doubles with each failure up to the maximum, and takes a random point in the upper half of that, so that what
 * failed together does not come back together. A receiver's `Retry-After` is a lower bound, itself bounded by
 * the maximum, and is jittered upwards for the same reason.
 */
export function retryDelayMs(
  failures: number,
  retryAfterMs: number | null,
  retry: Hook['retry'],
  random: number,
): number {
  const ceilingMs = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** Math.min(failures, 40))
  const backoffMs = (ceilingMs / 2) * (1 + random)
  if (retryAfterMs === null) return Math.round(backoffMs)
  const askedMs = Math.min(retryAfterMs, retry.maxDelayMs)
  return Math.round(Math.max(backoffMs, askedMs + (ceilingMs / 2) * random))
}
