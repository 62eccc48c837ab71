// Payloads of access codes carry PINs, which open doors. People who look at an event rarely need them.

/** A text without its PINs. */
export interface Masked {
  text: string
  /**
   * JSON pointers (RFC 6901) of what was masked; empty where the text is no JSON. At most 200, and of what is nested deeper than 50
   * levels the pointer to what it is in.
   */
  masked: string[]
}

const MAX_POINTERS = 200
const MAX_LEVELS = 50

/** Always as long, so that it does not tell how long the PIN is. */
const MASK = '****'
const QUOTED_MASK = JSON.stringify(MASK)
const PIN_FIELDS = ['code']
/** An `access_code.*` event tells by these what it was before and is now. */
const CHANGE_FIELDS = ['from', 'to']

/**
 * Masks every text and number in a field `code`, and for `access_code.*` in `from` and `to`, however deep they are nested. All
 * else stays as it is, character by character: parsing would change large numbers. What is no JSON, as the cut-off beginning
 * of an answer, is masked wherever it looks as if such a field stood there.
 * @param eventType `null` where it is not known: then it counts as an `access_code.*`
 */
export function maskPins(text: string, eventType: string | null): Masked {
  const mayChange = eventType === null || eventType.startsWith('access_code.')
  const names = new Set(mayChange ? [...PIN_FIELDS, ...CHANGE_FIELDS] : PIN_FIELDS)
  const masked = maskTokens(text, names)
  return isJson(text) ? masked : { text: maskLoosely(masked.text, [...names]), masked: [] }
}

/** The type that a body names; `null` where it names none, or not clearly. */
export function eventTypeIn(text: string): string | null {
  // Named twice, parsers may differ on which one counts.
  if (text.split('"event_type"').length !== 2) return null
  try {
    const value = (JSON.parse(text) as { event_type?: unknown } | null)?.event_type
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

/** An object or an array that is not closed yet. */
interface Level {
  /** Where in it the scanner is: a name, `null` before one, or a number in an array. */
  at: string | number | null
  /** All that is in it is to be masked. */
  isPin: boolean
}

/** Goes along the tokens without recursion, so that no depth is too deep. Of what is no JSON it makes what it can. */
function maskTokens(text: string, names: ReadonlySet<string>): Masked {
  const levels: Level[] = []
  const masked: string[] = []
  let result = ''
  let copiedTo = 0

  function isPin(): boolean {
    const level = levels.at(-1)
    if (level === undefined) return false
    return level.isPin || (typeof level.at === 'string' && names.has(level.at.toLowerCase()))
  }

  function replace(start: number, end: number, replacement: string): void {
    result += text.slice(copiedTo, start) + replacement
    copiedTo = end
    if (masked.length < MAX_POINTERS) masked.push(pointerTo(levels.slice(0, MAX_LEVELS)))
  }

  function meetText(start: number, end: number): void {
    const level = levels.at(-1)
    if (level?.at === null) {
      level.at = unquoted(text.slice(start, end))
      return
    }
    if (isPin()) return replace(start, end, QUOTED_MASK)
    const inner = innerJson(text.slice(start, end))
    if (inner === null) return
    const { text: maskedInner, masked: found } = maskTokens(inner, names)
    if (found.length > 0) replace(start, end, JSON.stringify(maskedInner))
  }

  for (let at = 0; at < text.length;) {
    const character = text[at] as string
    const level = levels.at(-1)
    const end = endOfToken(text, at)
    if (character === '{') levels.push({ at: null, isPin: isPin() })
    else if (character === '[') levels.push({ at: 0, isPin: isPin() })
    else if (character === '}' || character === ']') levels.pop()
    else if (character === ',' && level !== undefined)
      level.at = typeof level.at === 'number' ? level.at + 1 : null
    else if (character === '"') meetText(at, end)
    else if (/[-\w]/.test(character) && isPin() && !/^(true|false|null)$/.test(text.slice(at, end)))
      replace(at, end, QUOTED_MASK)
    at = end
  }
  return { text: result + text.slice(copiedTo), masked }
}

function pointerTo(levels: readonly Level[]): string {
  return levels.map(({ at }) => `/${escaped(String(at))}`).join('')
}

function endOfToken(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start)
  let end = start
  while (end < text.length && /[-+.\w]/.test(text[end] as string)) end++
  return Math.max(end, start + 1)
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

/** A text that holds JSON in its turn, as when a body is passed on inside another; `null` if it does not. */
function innerJson(quoted: string): string | null {
  if (!/^"\s*[{[]/.test(quoted)) return null
  const inner = unquoted(quoted)
  return isJson(inner) ? inner : null
}

function unquoted(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted.slice(1)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** `code: 1234`, `"code" = "1234"`, `code=1234&…`, `<code>1234<`. Rather too much than too little. */
function maskLoosely(text: string, names: readonly string[]): string {
  const name = `(?:${names.join('|')})`
  const assigned = new RegExp(
    String.raw`(\b${name}\b\\*["']?\s*[:=]\s*)(\\*"[^"]*"?|\\*'[^']*'?|[^\s,;&}\])"'<]+)`,
    'gi',
  )
  const element = new RegExp(String.raw`(<${name}\b[^>]{0,200}>)([^<]+)`, 'gi')
  return text
    .replaceAll(assigned, (whole, before: string, value: string) =>
      value.startsWith('{') || value.startsWith('[') ? whole : `${before}${QUOTED_MASK}`,
    )
    .replaceAll(element, `$1${MASK}`)
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
