import { hash } from 'node:crypto'

/**
 * SHA-256 of a JSON value's content, in hex: the same for two texts that differ only in the order of keys,
 * in white space or in how a string is escaped. One event that comes by webhook and by Seam's API is so
 * recognised as the same, and one that comes changed under the same id is not.
 */
export function contentHash(value: unknown): string {
  return hash('sha256', canonicalJson(value), 'hex')
}

/** Text that is already in its place, or a value still to be written. */
type Piece = { text: string } | { value: unknown }

/** Keys in code-unit order, no white space. Works without recursion: a body may nest 100,000 deep. */
function canonicalJson(root: unknown): string {
  let written = ''
  const pending: Piece[] = [{ value: root }]
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    if ('text' in piece) written += piece.text
    else if (Array.isArray(piece.value)) {
      written += '['
      pending.push({ text: ']' })
      for (let index = piece.value.length - 1; index >= 0; index--) {
        pending.push({ value: piece.value[index] })
        if (index > 0) pending.push({ text: ',' })
      }
    } else if (typeof piece.value === 'object' && piece.value !== null) {
      written += '{'
      pending.push({ text: '}' })
      const entries = Object.entries(piece.value).toSorted(byKey)
      for (let index = entries.length - 1; index >= 0; index--) {
        const [key, value] = entries[index] as [string, unknown]
        pending.push({ value }, { text: `${index > 0 ? ',' : ''}${JSON.stringify(key)}:` })
      }
    } else written += JSON.stringify(piece.value)
  }
  return written
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
