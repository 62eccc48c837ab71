import { usedWrongly } from './command-error.ts'

const AGO = /^(\d{1,6})\s?(s|m|min|h|d)$/
const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }
/** A date, or a date and a time with its zone. Without a zone nobody could say which is meant. */
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

export const TIME_FORMS = 'a time such as 2026-03-01T10:00:00Z, a date (UTC), or 90m, 24h, 7d ago'

/**
 * A time as people write it, as ISO 8601 in UTC.
 * @param now milliseconds since 1970
 * @throws {CommandError} if it is none
 */
export function timeArgument(option: string, text: string, now: number): string {
  const [, count, unit = ''] = AGO.exec(text) ?? []
  const ago = (UNIT_MS[unit] ?? Number.NaN) * Number(count)
  const at = Number.isNaN(ago) ? (ISO.test(text) ? Date.parse(text) : Number.NaN) : now - ago
  if (Number.isNaN(at) || at < 0)
    throw usedWrongly(`${option} takes ${TIME_FORMS}; it got ${JSON.stringify(text.slice(0, 40))}`)
  return new Date(at).toISOString()
}
