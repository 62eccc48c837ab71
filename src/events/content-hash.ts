import { hash } from 'node:crypto'

/**
 * SHA-256 of a JSON value's content, in hex: the same for two texts that differ only in the order of keys,
 * in white space or in how a string is escaped. One event that comes by webhook and by Seam's API is so
 * recognised as the same, and one that comes changed under the same id is not.
 */
export function contentHash(value: unknown): string {
  return hash('sha256', canonicalJson(value), 'hex')
}

/** Text that is already in its place, or an object or array still to be written. */
type Piece = string | object

/** Keys in code-unit order, no white space. Works without recursion: a body may nest 100,000 deep. */
function canonicalJson(root: unknown): string {
  let written = ''
  const pending = [pieceOf(root)]
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    if (typeof piece === 'string') {
      written += piece
      continue
    }
    // One by one: a call takes no 100,000 arguments.
    const pieces = Array.isArray(piece) ? arrayPieces(piece) : objectPieces(piece)
    for (let index = pieces.length - 1; index >= 0; index--) pending.push(pieces[index] as Piece)
  }
  return written
}

function pieceOf(value: unknown): Piece {
  return typeof value === 'object' && value !== null ? value : JSON.stringify(value)
}

function arrayPieces(items: readonly unknown[]): Piece[] {
  const pieces: Piece[] = ['[']
  for (const [index, item] of items.entries()) pieces.push(index > 0 ? ',' : '', pieceOf(item))
  pieces.push(']')
  return pieces
}

function objectPieces(object: object): Piece[] {
  const pieces: Piece[] = []
  let separator = '{'
  for (const key of Object.keys(object).toSorted()) {
    pieces.push(`${separator}${JSON.stringify(key)}:`, pieceOf((object as Record<string, unknown>)[key]))
    separator = ','
  }
  pieces.push(separator === '{' ? '{}' : '}')
  return pieces
}
