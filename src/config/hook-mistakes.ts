import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { HookSchema } from './hook.ts'
import { HTTP_URL_EXPECTED, isHttpUrl } from './http-url.ts'
import { childPath, hidden, looksLikeName, shown } from './mistake.ts'
import type { Mistake } from './mistake.ts'
import { OUTGOING_KEY, secretExpected, secretProblem } from './secret.ts'

/** One item of the hooks list, on its way to become a hook. */
export interface HookItem {
  /** Its path: `hooks.yaml: hooks[0]`. */
  path: string
  /** The item with variables put in and defaults filled in. */
  value: unknown
  /** The item before variables were put in. A value that comes from a variable is not shown. */
  written: unknown
}

const hookValidator = Compile(HookSchema)

/** Headers that the relay sets itself, or that would break the connection. */
const RESERVED_HEADERS =
  /^(connection|content-length|content-type|expect|host|keep-alive|proxy-.*|seam-relay-.*|te|traceparent|tracestate|trailer|transfer-encoding|upgrade|user-agent|webhook-.*)$/i

/** JSON pointers of values that are or may hold a secret: the hook as a whole, and these fields of it. */
const SECRET_FIELDS = /^$|^\/(secrets|headers|url)(\/|$)/

/** Everything that is wrong with a hook, one mistake for each path. Empty: it is a `Hook`. */
export function hookMistakes(item: HookItem): Mistake[] {
  const { path, value } = item
  const mistakes = hookValidator.Check(value) ? [] : schemaMistakes(item)
  if (isRecord(value)) {
    const { url, secrets, headers, retry } = value
    if (typeof url === 'string') mistakes.push(...urlMistakes(url, path))
    if (Array.isArray(secrets)) mistakes.push(...secretMistakes(secrets, path))
    if (isRecord(headers)) mistakes.push(...headerMistakes(headers, path))
    if (isRecord(retry)) mistakes.push(...retryMistakes(retry, path))
  }
  const paths = mistakes.map(({ where }) => where)
  return mistakes.filter(({ where }, index) => paths.indexOf(where) === index)
}

function schemaMistakes(item: HookItem): Mistake[] {
  return hookValidator.Errors(item.value).flatMap((error) => {
    const { keyword, instancePath } = error
    const where = pathOf(item.path, instancePath)
    if (keyword === 'required') {
      return error.params.requiredProperties.map((name) => ({
        where: childPath(where, name),
        expected: expectedAt(`${instancePath}/${name}`),
        found: 'nothing',
      }))
    }
    if (keyword === 'additionalProperties') {
      return error.params.additionalProperties.map((name) => ({
        where: childPath(where, name),
        expected: 'no such setting',
        found: looksLikeName(name) ? 'a setting of that name' : `a setting whose name is ${hidden(name)}`,
      }))
    }
    // A setting that does not exist is reported twice. This is the second report.
    if (keyword === 'boolean') return []
    return [{ where, expected: expectedAt(instancePath), found: foundAt(instancePath, item) }]
  })
}

/** Turns a JSON pointer into a path: `/retry/maxDelayMs` under `hooks[0]` is `hooks[0].retry.maxDelayMs`. */
function pathOf(parent: string, pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, key) => childPath(path, /^\d+$/.test(key) ? Number(key) : key), parent)
}

/** What the schema says of the field, or of the nearest field above it that has a description. */
function expectedAt(pointer: string): string {
  let schema: { description?: string; properties?: Record<string, object> } = HookSchema
  let description = 'a hook: an object with at least name and url'
  for (const key of pointer.split('/').slice(1)) {
    const next = schema.properties?.[key]
    if (next === undefined) break
    schema = next
    description = schema.description ?? description
  }
  return description
}

/** Shows a value only if it stands in the file exactly so, is no list or object, and is in no field for secrets. */
function foundAt(pointer: string, { value: item, written }: HookItem): string {
  const value: unknown = Value.Pointer.Get(item, pointer)
  const mayBeShown =
    !SECRET_FIELDS.test(pointer) && !isRecord(value) && Value.Pointer.Get(written, pointer) === value
  return mayBeShown ? shown(value) : hidden(value)
}

function urlMistakes(text: string, path: string): Mistake[] {
  return isHttpUrl(text) ? [] : [{ where: `${path}.url`, expected: HTTP_URL_EXPECTED, found: hidden(text) }]
}

function secretMistakes(secrets: readonly unknown[], path: string): Mistake[] {
  const expected = secretExpected(OUTGOING_KEY)
  return secrets.flatMap((secret, index) => {
    const found = secretProblem(secret, OUTGOING_KEY)
    return found === null ? [] : [{ where: `${path}.secrets[${index}]`, expected, found }]
  })
}

function headerMistakes(headers: Readonly<Record<string, unknown>>, path: string): Mistake[] {
  return Object.entries(headers).flatMap(([name, value], index, { length }) => {
    if (!isValid(() => validateHeaderName(name))) {
      const where = `${path}.headers (number ${index + 1} of ${length})`
      return [{ where, expected: 'a valid name of an HTTP header', found: hidden(name) }]
    }
    const where = `${path}.headers.${name}`
    if (RESERVED_HEADERS.test(name))
      return [{ where, expected: 'no header that seam-relay sets itself', found: 'one' }]
    if (typeof value !== 'string' || isValid(() => validateHeaderValue(name, value))) return []
    return [{ where, expected: 'a valid value of an HTTP header', found: hidden(value) }]
  })
}

function retryMistakes({ initialDelayMs, maxDelayMs }: Record<string, unknown>, path: string): Mistake[] {
  if (typeof initialDelayMs !== 'number' || typeof maxDelayMs !== 'number') return []
  if (maxDelayMs >= initialDelayMs) return []
  const expected = `at least retry.initialDelayMs (${initialDelayMs})`
  return [{ where: `${path}.retry.maxDelayMs`, expected, found: shown(maxDelayMs) }]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Node's own validators throw. */
function isValid(validate: () => void): boolean {
  try {
    validate()
    return true
  } catch {
    return false
  }
}
