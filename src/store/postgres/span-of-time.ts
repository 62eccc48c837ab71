// Times are kept by the database's clock and told as spans in milliseconds.

/** The clock: when the statement began. In a transaction, `now()` would stand still. */
export const NOW = 'statement_timestamp()'

/** The moment that lies so many milliseconds after the other. */
export function laterBy(milliseconds: string, moment = NOW): string {
  return `(${moment} + ${milliseconds} * interval '1 ms')`
}

/** Milliseconds from one moment to another, as JavaScript takes them. */
export function msBetween(earlier: string, later = NOW): string {
  return `(extract(epoch from ${later} - ${earlier}) * 1000)::float8`
}

/** Milliseconds since 1970. */
export function msOf(moment: string): string {
  return `(extract(epoch from ${moment}) * 1000)::float8`
}

/** The moment of milliseconds since 1970. */
export function momentOf(milliseconds: string): string {
  return `('epoch'::timestamptz + ${milliseconds} * interval '1 ms')`
}
