const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** `1 delivery`, `12 deliveries`, `at least 500 deliveries`. */
export function countOf(count: number, one: string, many: string, isExact = true): string {
  const text = count === 1 ? `1 ${one}` : `${count.toLocaleString('en')} ${many}`
  return isExact ? text : `at least ${text}`
}

/** `02:10 UTC`, or `23 Nov, 02:10 UTC` on another day. Both in milliseconds since 1970. */
export function timeOf(at: number, now: number): string {
  const [date, time] = new Date(at).toISOString().split('T') as [string, string]
  const clock = `${time.slice(0, 5)} UTC`
  if (new Date(now).toISOString().startsWith(date)) return clock
  const day = new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  return `${day}, ${clock}`
}

/** `40 s`, `12 min`, `3 h`, `2 days`: rounded down to what a person would say. */
export function spanOf(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / 1000))} s`
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`
  return `${Math.floor(ms / DAY_MS)} days`
}
