/** What a pattern may look like: `*`, a family such as `acs_credential.*`, or one type by its name. */
export const EVENT_PATTERN = '^(\\*|[a-z0-9_]+(\\.[a-z0-9_]+)*(\\.\\*)?)$'

/** Whether an event type is named by at least one of the patterns. */
export function matchesAny(patterns: readonly string[], eventType: string): boolean {
  return patterns.some((pattern) => matches(pattern, eventType))
}

function matches(pattern: string, eventType: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith('.*')) return eventType.startsWith(pattern.slice(0, -1))
  return pattern === eventType
}
