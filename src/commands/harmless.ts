/**
 * What a terminal would obey instead of showing it: control characters, among them the escape that begins a colour or
 * moves the cursor, and marks that turn the direction of the text around.
 */
// eslint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text from outside, as it can be shown in a terminal: what the terminal would obey is spelled out. */
export function harmless(text: string): string {
  return text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The same for text of ours with something from outside in it: our own line breaks stay. */
export function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n')
}

/** The same for every string in a parsed document, names of members too. */
export function harmlessIn<T>(value: T): T {
  return made(value) as T
}

function made(value: unknown): unknown {
  if (typeof value === 'string') return harmless(value)
  if (Array.isArray(value)) return value.map(made)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [harmless(name), made(member)]))
}

/** JSON for a terminal or a program: the same value for a program, and nothing in it that a terminal would obey. */
export function harmlessJson(value: unknown, indent?: number): string {
  // JSON.stringify has escaped what stands in strings up to U+001F. What is left of it is its own line breaks.
  return JSON.stringify(value, null, indent).replace(OBEYED, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
