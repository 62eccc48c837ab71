import { span } from '../amount.ts'
import type { Line } from './line.ts'
import { look, ok, skipped, wrong } from './line.ts'

/** How this machine's clock compares with another's. */
export interface ClockReading {
  from: string
  /** Positive: this machine is ahead. */
  aheadMs: number
}

/** `Date` headers have whole seconds, and an answer takes its time. */
const NEAR_MS = 5000
/** A webhook is refused when its timestamp is five minutes off. Nearer than this, a slow one may be refused already. */
const FAR_MS = 240_000

/**
 * Compares with the middle one of the others, so that one of them with a wrong clock of its own does not count.
 */
export function clockLine(readings: readonly ClockReading[]): Line {
  const sorted = readings.toSorted((one, other) => one.aheadMs - other.aheadMs)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) return skipped('clock', 'nobody could be asked for the time to compare it with')
  const { from, aheadMs } = middle
  if (Math.abs(aheadMs) < NEAR_MS) {
    const others = readings.length === 1 ? from : `${readings.length} others`
    return ok('clock', `agrees with ${others} within ${span(Math.max(Math.abs(aheadMs), 1000))}`)
  }
  const text = `this machine is ${span(aheadMs)} ${aheadMs > 0 ? 'ahead of' : 'behind'} ${from}`
  const advice = 'Have the clock set by a time service (NTP), here or there.'
  if (Math.abs(aheadMs) < FAR_MS) return look('clock', text, advice)
  return wrong(
    'clock',
    `${text}: from five minutes on, every webhook is refused (timestamp_out_of_range)`,
    advice,
  )
}
