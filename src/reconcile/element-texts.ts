/**
 * The elements of a list in a JSON object, each as the text that was written: parsed and written again, an event could lose
 * digits, and fields that came twice.
 * @param text a JSON object; its field `name` must be a list
 * @returns `null` where it is not
 * @throws {SyntaxError} if the text is not JSON
 */
export function elementTexts(text: string, name: string): string[] | null {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const list = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null
  if (!Array.isArray(list)) return null
  const texts = cut(text, name)
  // The same count, or the field came twice and nobody knows which of them Seam means.
  return texts.length === list.length ? texts : null
}

/** Walks the text once. It is JSON: so brackets match, and strings end. */
function cut(text: string, name: string): string[] {
  const texts: string[] = []
  let depth = 0
  let inList = false
  /** The string at depth 1 that was read last: before a list it is the list's name. */
  let lastString = ''
  let start = -1
  for (let at = 0; at < text.length; at++) {
    switch (text[at] as string) {
      case '"': {
        const end = stringEnd(text, at)
        if (depth === 1) lastString = JSON.parse(text.slice(at, end)) as string
        if (inList && depth === 2 && start < 0) start = at
        at = end - 1
        break
      }
      case '{':
      case '[':
        if (inList && depth === 2 && start < 0) start = at
        depth++
        if (depth === 2 && text[at] === '[' && lastString === name) inList = true
        break
      case '}':
      case ']':
        if (inList && depth === 2) {
          if (start >= 0) texts.push(text.slice(start, at).trimEnd())
          start = -1
          inList = false
        }
        depth--
        break
      case ',':
        if (inList && depth === 2) {
          texts.push(text.slice(start, at).trimEnd())
          start = -1
        }
        break
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case ':':
        break
      default:
        if (inList && depth === 2 && start < 0) start = at
    }
  }
  return texts
}

/** Behind the quotation mark that ends the string. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
}
