import { canonicalNumber } from './canonical-number.ts'

/** A JSON object, field by field. */
export interface CanonicalObject {
  /** The canonical text of each field's value, by the field's name. Of a field that comes twice, the last. */
  fields: Map<string, string>
  /** Names of its own fields that come more than once. */
  repeated: Set<string>
}

type Container = { fields: Map<string, string>; name: string | null } | { items: string }

/**
 * Writes what a JSON text says in one way: keys in code-unit order, no white space, strings escaped as `JSON.stringify`
 * escapes them, numbers without a digit lost. It reads the text and not the parsed value, which has forgotten
 * fields that came twice and the digits of large numbers.
 *
 * Works without recursion, because a body may nest 100,000 deep.
 * @param text a JSON object that `JSON.parse` takes
 */
export function canonicalObject(text: string): CanonicalObject {
  const root = { fields: new Map<string, string>(), name: null as string | null }
  const repeated = new Set<string>()
  const containers: Container[] = [root]
  // Behind the brace that opens the root.
  let at = text.indexOf('{') + 1
  while (at < text.length) {
    const container = containers.at(-1)
    if (container === undefined) break
    const character = text[at] as string
    switch (character) {
      case '{':
        containers.push({ fields: new Map(), name: null })
        at++
        break
      case '[':
        containers.push({ items: '' })
        at++
        break
      case '}':
      case ']': {
        containers.pop()
        const parent = containers.at(-1)
        if (parent !== undefined) put(parent, containerText(container))
        at++
        break
      }
      case '"': {
        const end = stringEnd(text, at)
        const string = text.slice(at, end)
        if ('fields' in container && container.name === null) {
          container.name = string.includes('\\') ? (JSON.parse(string) as string) : string.slice(1, -1)
          if (container === root && root.fields.has(container.name)) repeated.add(container.name)
        } else {
          put(container, string.includes('\\') ? JSON.stringify(JSON.parse(string)) : string)
        }
        at = end
        break
      }
      default: {
        const end = isBetweenTokens(character) ? at + 1 : tokenEnd(text, at)
        if (!isBetweenTokens(character)) put(container, tokenText(text.slice(at, end)))
        at = end
      }
    }
  }
  return { fields: root.fields, repeated }
}

/** The canonical text of an object with these fields. */
export function objectText(fields: ReadonlyMap<string, string>): string {
  let text = ''
  for (const name of [...fields.keys()].toSorted()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${fields.get(name)}`
  }
  return `{${text}}`
}

function containerText(container: Container): string {
  return 'fields' in container ? objectText(container.fields) : `[${container.items}]`
}

function put(container: Container, value: string): void {
  if ('items' in container) {
    container.items += container.items === '' ? value : `,${value}`
  } else if (container.name !== null) {
    container.fields.set(container.name, value)
    container.name = null
  }
}

function isBetweenTokens(character: string): boolean {
  return ' \t\r\n,:'.includes(character)
}

/** Behind the quotation mark that ends the string: the first one with an even number of backslashes before it. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end + 1
  }
}

function tokenEnd(text: string, start: number): number {
  let end = start
  while (end < text.length && !' \t\r\n,]}'.includes(text[end] as string)) end++
  return end
}

function tokenText(token: string): string {
  return token === 'true' || token === 'false' || token === 'null' ? token : canonicalNumber(token)
}
