/**
 * The elements of a list in a JSON object, each as the bytes that were sent: parsed and written again, an event could lose
 * digits, and fields that came twice. They are parts of `bytes` and not copies, and no more than one element is parsed at a time:
 * an answer of 500 events read as a whole would stay in memory several times over.
 * @param bytes a JSON object; its field `name` must be a list
 * @returns `null` where it is not
 * @throws {SyntaxError} if the bytes are not JSON
 */
export function elementBytes(bytes: Buffer, name: string): Buffer[] | null {
  const { elements, rest } = cut(bytes, name)
  // With a 0 for each element, the rest is JSON where the whole is: so together these two read every byte.
  const value: unknown = JSON.parse(rest)
  for (const element of elements) JSON.parse(element.toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const list = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null
  // The same count, or the field came twice and nobody knows which of them Seam means.
  return Array.isArray(list) && elements.length === list.length ? elements : null
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Walks the bytes once. Whether they are JSON is not known yet: so it may find anything, but always ends. */
function cut(bytes: Buffer, name: string): { elements: Buffer[]; rest: string } {
  const elements: Buffer[] = []
  let rest = ''
  let restFrom = 0
  let depth = 0
  let inList = false
  /** The string at depth 1 that was read last: before a list it is the list's name. */
  let lastString = ''
  let start = -1
  const endElement = (at: number) => {
    if (start < 0) return
    let end = at
    while (isSpace(bytes[end - 1])) end--
    elements.push(bytes.subarray(start, end))
    rest += `${bytes.toString('utf8', restFrom, start)}0`
    restFrom = end
    start = -1
  }
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    const isDirectlyInList = inList && depth === 2
    switch (byte) {
      case QUOTE: {
        const end = stringEnd(bytes, at)
        if (depth === 1) lastString = JSON.parse(bytes.toString('utf8', at, end)) as string
        if (isDirectlyInList && start < 0) start = at
        at = end - 1
        break
      }
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (isDirectlyInList && start < 0) start = at
        depth++
        if (depth === 2 && byte === OPEN_BRACKET && lastString === name) inList = true
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (isDirectlyInList) {
          endElement(at)
          inList = false
        }
        depth--
        break
      case COMMA:
        if (isDirectlyInList) endElement(at)
        break
      case COLON:
        break
      default:
        if (isDirectlyInList && start < 0 && !isSpace(byte)) start = at
    }
  }
  return { elements, rest: rest + bytes.toString('utf8', restFrom) }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

/** Behind the quotation mark that ends the string, or the end where none does. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++
    else if (bytes[at] === QUOTE) return at + 1
  }
  return bytes.length
}
