import { dedupKey } from '../events/dedup-key.ts'
import { sought } from './bounded-page.ts'

/** An event whose dedup key is one of those that belong to the id. */
export interface EventMatch {
  seq: number
  eventId: string
  webhookId: string
}

/**
 * The dedup keys that an event of this id may have: as the id of an event, in lower case, or as the message id of a
 * sample, in the case in which it came.
 */
export function keysOf(id: string): [string, string, string, string] {
  const asSample = (messageId: string) => dedupKey({ eventId: '', isSample: true }, messageId)
  const text = sought(id)
  return [text.toLowerCase(), text, asSample(text), asSample(text.toLowerCase())]
}

/**
 * The number of the event that is meant. A sample's message id is its sender's to choose, so the event that has the id
 * as its own comes first.
 */
export function bestMatch(id: string, matches: readonly EventMatch[]): number | null {
  const ids = [id, id.toLowerCase()]
  const own = matches.filter(({ eventId }) => eventId === id.toLowerCase())
  const sent = matches.filter(({ webhookId }) => ids.includes(webhookId))
  const seqs = (own.length > 0 ? own : sent).map(({ seq }) => seq)
  return seqs.length === 0 ? null : Math.max(...seqs)
}
