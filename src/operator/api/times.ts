import { RequestRefused } from '../request-refused.ts'

/** @param atMs milliseconds since 1970 */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString()
}

export function timeOrNull(atMs: number | null): string | null {
  return atMs === null ? null : timeText(atMs)
}

/** Milliseconds since 1970. The schema has let it through; a second of 60 it lets through as well. */
export function timeOf(name: string, text: string): number {
  const atMs = Date.parse(text)
  if (Number.isNaN(atMs))
    throw new RequestRefused('request_invalid', `"${name}" is not a time that there is. Nothing was done.`)
  return atMs
}

export interface Span {
  since?: number
  until?: number
}

/** From `since` up to but without `until`, as far as they are given. */
export function spanOf({ since, until }: { since?: string; until?: string }): Span {
  const span: Span = {
    ...(since === undefined ? {} : { since: timeOf('since', since) }),
    ...(until === undefined ? {} : { until: timeOf('until', until) }),
  }
  if (span.since !== undefined && span.until !== undefined && span.since >= span.until)
    throw new RequestRefused('request_invalid', '"since" has to be before "until". Nothing was done.')
  return span
}
