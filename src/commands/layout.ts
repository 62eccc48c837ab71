import { stripVTControlCharacters } from 'node:util'

const GAP = '  '

/** Lines of cells, each column as wide as its widest cell. Colours take no room. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))))
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join(GAP)
      .trimEnd(),
  )
}

/** Words in lines of at most so many columns. A word that is longer has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

function widthOf(text: string): number {
  let width = 0
  // By code points: a name with an umlaut or an emoji is still aligned, nearly.
  for (const _ of stripVTControlCharacters(text)) width++
  return width
}
