const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** How many verified webhooks came in one hour. `at`: its beginning, in milliseconds since 1970, a whole hour. */
export interface HourCount {
  at: number
  count: number
}

/**
 * How many webhooks usually come from `from` up to `to`: each hour counts as the same hour of the day did on the days before. `null`
 * before there is a day of history.
 *
 * @param hours every hour in which any came, of as many days as there are
 */
export function expectedBetween(hours: readonly HourCount[], from: number, to: number): number | null {
  const first = Math.min(...hours.map(({ at }) => at))
  const days = Math.floor((startOfHour(from) - first) / DAY_MS)
  if (!(days >= 1)) return null
  const perHourOfDay = usualByHourOfDay(hours, startOfHour(from) - days * DAY_MS, startOfHour(from), days)
  let expected = 0
  for (let at = startOfHour(from); at < to; at += HOUR_MS) {
    const share = (Math.min(to, at + HOUR_MS) - Math.max(from, at)) / HOUR_MS
    expected += share * (perHourOfDay[hourOfDay(at)] ?? 0)
  }
  return expected
}

/**
 * A silence in which so many webhooks would usually have come is no chance any more: were they independent of each other, it would
 * happen once in about 22,000 times.
 */
export const UNUSUAL_FROM = 10

/** Over whole days, so that each hour of the day is in it equally often. */
function usualByHourOfDay(hours: readonly HourCount[], from: number, to: number, days: number): number[] {
  const sums = Array<number>(24).fill(0)
  for (const { at, count } of hours) {
    if (at >= from && at < to) sums[hourOfDay(at)] = (sums[hourOfDay(at)] ?? 0) + count
  }
  return sums.map((sum) => sum / days)
}

function startOfHour(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS
}

function hourOfDay(at: number): number {
  return Math.floor(at / HOUR_MS) % 24
}
