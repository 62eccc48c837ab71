import type { Hook } from '../config/hook.ts'

/**
 * Whether a hook is worth trying. `open`: it failed too often in a row; its deliveries wait, and once the cool-down
 * is over one goes out to probe. `recovering`: the probe got through, and more follow with each success.
 *
 * Own code and not a breaker library's: those wrap a call and refuse it, while the engine has to know before it
 * claims how much it may claim, and the way back has to be a slope and not a step.
 */
export type Breaker =
  | { state: 'closed'; failuresInRow: number }
  | { state: 'open'; probeAt: number }
  | { state: 'recovering'; allowance: number }

export const CLOSED: Breaker = { state: 'closed', failuresInRow: 0 }

/** How many attempts may be under way at one time. @param now milliseconds on a clock that does not jump */
export function allowanceOf(breaker: Breaker, now: number): number {
  switch (breaker.state) {
    case 'closed':
      return Number.POSITIVE_INFINITY
    case 'open':
      return now >= breaker.probeAt ? 1 : 0
    case 'recovering':
      return breaker.allowance
  }
}

export function afterSuccess(breaker: Breaker, concurrency: number): Breaker {
  if (breaker.state === 'closed') return CLOSED
  const allowance = breaker.state === 'open' ? 2 : breaker.allowance * 2
  return allowance >= concurrency ? CLOSED : { state: 'recovering', allowance }
}

export function afterFailure(breaker: Breaker, policy: Hook['breaker'], now: number): Breaker {
  const open: Breaker = { state: 'open', probeAt: now + policy.cooldownMs }
  switch (breaker.state) {
    case 'closed': {
      const failuresInRow = breaker.failuresInRow + 1
      return failuresInRow >= policy.failures ? open : { state: 'closed', failuresInRow }
    }
    case 'open':
      // Those that were under way when it opened say nothing new; the probe does.
      return now >= breaker.probeAt ? open : breaker
    case 'recovering':
      return open
  }
}
