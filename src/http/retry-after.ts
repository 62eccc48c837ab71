/**
 * Reads a `Retry-After` header: seconds, or an HTTP date (RFC 9110, section 10.2.3).
 * @param now milliseconds since 1970, to turn a date into a span
 * @returns milliseconds to wait, or `null` where the header says nothing usable
 */
export function parseRetryAfter(header: unknown, now: number): number | null {
  if (typeof header !== 'string') return null
  if (/^\d{1,10}$/.test(header)) return Number(header) * 1000
  if (!/^[A-Z][a-z]{2,8},? /.test(header)) return null
  // The old form, `Sun Nov  6 08:49:37 1994`, names no zone and means GMT; `Date.parse` would take it as local time.
  const at = Date.parse(/\d:\d\d( \d{4})?$/.test(header) ? `${header} GMT` : header)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
