import type { Finding as FindingShape } from '../api/shapes/overview.ts'

/** Something that a person should know or do. `since` and `until` are in milliseconds since 1970. */
export type Finding = Omit<FindingShape, 'since' | 'until'> & { since: number | null; until?: number }
