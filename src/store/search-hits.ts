import type { SearchHit } from './listings.ts'

/** So many events of a credential are counted. */
export const COUNTED_EVENTS = 1000
const MOST_HITS = 20

/** What was found under an id, by where it was looked for. */
export interface Found {
  /** The event that has it as its own id, or as its webhook id. */
  event: { id: string; eventType: string; acceptedAt: number } | null
  /** How many events are about it, up to a bound. */
  ofCredential: number
  quarantined: { id: string; receivedAt: number } | null
  replay: string | null
  /** Among the newest events: the one that this message brought, and what of theirs the id is. */
  ofMessage: { id: string; eventType: string; acceptedAt: number } | null
  isWorkspace: boolean
  isSystem: boolean
  isAccount: boolean
}

/** Exact ones first. */
export function searchHits(id: string, found: Found): SearchHit[] {
  const { event, ofCredential, quarantined, replay, ofMessage } = found
  const lower = id.toLowerCase()
  const hits: SearchHit[] = []
  if (event !== null) hits.push({ kind: 'event', ...event })
  if (ofCredential > 0) hits.push({ kind: 'credential', id: lower, events: ofCredential })
  if (quarantined !== null) hits.push({ kind: 'quarantine', ...quarantined })
  if (replay !== null) hits.push({ kind: 'replay', id: replay })
  if (ofMessage !== null && ofMessage.id !== event?.id) hits.push({ kind: 'event', ...ofMessage })
  if (found.isWorkspace) hits.push({ kind: 'workspace', id: lower })
  if (found.isSystem) hits.push({ kind: 'system', id: lower })
  if (found.isAccount) hits.push({ kind: 'account', id: lower })
  return hits.slice(0, MOST_HITS)
}
