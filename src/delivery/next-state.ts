import type { Hook } from '../config/hook.ts'
import type { NextState } from '../store/store.ts'
import type { Outcome } from './outcome.ts'

/** A delivery is given up only after so many failed attempts of its own: its age alone also counts time that nobody tried. */
const LEAST_FAILURES = 3
/** And only if the first and the last of them lie so far apart, or `giveUpAfterMs` where that is less. */
const LEAST_FAILING_MS = 3_600_000

/** A delivery at the end of an attempt. */
export interface Tried {
  /** Failed attempts before this one. */
  failures: number
  /** Since acceptance, or since the last replay. */
  ageMs: number
  /** Since the first failed attempt began: this one, if none has failed before. */
  failingForMs: number
}

/**
 * Where a delivery goes after an attempt. Pure: the same arguments give the same answer.
 * @param random a number from 0 up to 1, the jitter's source
 */
export function nextState(outcome: Outcome, tried: Tried, retry: Hook['retry'], random: number): NextState {
  const { failures } = tried
  switch (outcome.kind) {
    case 'delivered':
      return { state: 'delivered' }
    case 'refused':
      return { state: 'dead', failures: failures + 1 }
    case 'interrupted':
      return { state: 'pending', delayMs: 0, failures }
    case 'failed': {
      const leftMs = leftUntilGivingUpMs(tried, retry)
      const failuresLeft = leastFailures(retry) - (failures + 1)
      if (leftMs <= 0 && failuresLeft <= 0) return { state: 'dead', failures: failures + 1 }
      const delayMs = retryDelayMs(failures, outcome.retryAfterMs, retry, random)
      // If the next try can be the last, it comes when the time is up, not a whole delay after it.
      const canBeLast = leftMs > 0 && failuresLeft <= 1
      return {
        state: 'pending',
        delayMs: canBeLast ? Math.min(delayMs, leftMs) : delayMs,
        failures: failures + 1,
      }
    }
  }
}

/** 0 or less: its age and the span of its failures are both enough. */
function leftUntilGivingUpMs({ ageMs, failingForMs }: Tried, { giveUpAfterMs }: Hook['retry']): number {
  return Math.max(giveUpAfterMs - ageMs, Math.min(giveUpAfterMs, LEAST_FAILING_MS) - failingForMs)
}

function leastFailures({ giveUpAfterMs }: Hook['retry']): number {
  return giveUpAfterMs === 0 ? 1 : LEAST_FAILURES
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
