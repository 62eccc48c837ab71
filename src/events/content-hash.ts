import { hash } from 'node:crypto'
import { objectText } from './canonical-json.ts'

/**
 * SHA-256 of an event's content, in hex: the same for two texts that differ only in the order of keys, in white space, in
 * how a string is escaped or in how a number is written. One event that comes by webhook and by Seam's API is so
 * recognised as the same, and one that comes changed under the same id is not.
 * @param fields of the event, each with its canonical text
 */
export function contentHash(fields: ReadonlyMap<string, string>): string {
  return hash('sha256', objectText(fields), 'hex')
}
