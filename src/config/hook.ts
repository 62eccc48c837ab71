import { validateHeaderName, validateHeaderValue } from 'node:http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { UUID_PATTERN } from '../events/event.ts'
import { EVENT_PATTERN } from '../events/event-pattern.ts'
import { HTTP_URL_EXPECTED, isHttpUrl } from './http-url.ts'
import { hidden, placeIn, shown } from './mistake.ts'
import type { Mistake } from './mistake.ts'
import { SECRET_EXPECTED, secretProblem } from './secret.ts'

/** Node's timers hold at most this many milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647
const DAY_MS = 86_400_000

const strict = { additionalProperties: false }

function milliseconds(fallback: number, minimum: number, maximum: number) {
  return Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description: `a whole number of milliseconds, ${minimum} to ${maximum}`,
  })
}

function count(fallback: number, minimum: number, maximum: number) {
  return Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description: `a whole number, ${minimum} to ${maximum}`,
  })
}

/** One downstream hook as the hooks file names it, every default filled in. */
export const HookSchema = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9-]{1,64}$',
      description: 'a name of at most 64 characters from a-z, 0-9 and -',
    }),
    url: Type.String({ description: HTTP_URL_EXPECTED }),
    events: Type.Array(Type.String({ pattern: EVENT_PATTERN }), {
      minItems: 1,
      default: ['*'],
      description: 'a list of event types, each like acs_credential.issued, acs_credential.* or *',
    }),
    workspaces: Type.Optional(
      Type.Array(Type.String({ pattern: UUID_PATTERN }), {
        minItems: 1,
        description: 'a list of workspace ids (UUIDs)',
      }),
    ),
    secrets: Type.Array(Type.String(), {
      maxItems: 8,
      default: [],
      description: 'a list of at most 8 signing secrets',
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      default: {},
      description: 'header names and their values',
    }),
    timeoutMs: milliseconds(15_000, 1, 600_000),
    concurrency: count(16, 1, 1024),
    maxPerSecond: Type.Number({
      minimum: 0,
      maximum: 100_000,
      default: 0,
      description: 'a number, 0 (no limit) to 100000',
    }),
    ordering: Type.Union([Type.Literal('none'), Type.Literal('credential')], {
      default: 'none',
      description: '"none" or "credential"',
    }),
    retry: Type.Object(
      {
        initialDelayMs: milliseconds(1000, 1, DAY_MS),
        maxDelayMs: milliseconds(3_600_000, 1, 7 * DAY_MS),
        giveUpAfterMs: milliseconds(259_200_000, 0, 365 * DAY_MS),
      },
      { ...strict, default: {}, description: 'initialDelayMs, maxDelayMs and giveUpAfterMs' },
    ),
    breaker: Type.Object(
      { failures: count(10, 1, 1_000_000), cooldownMs: milliseconds(30_000, 1, MAX_TIMER_MS) },
      { ...strict, default: {}, description: 'failures and cooldownMs' },
    ),
  },
  strict,
)

export type Hook = Static<typeof HookSchema>

const hookValidator = Compile(HookSchema)

/** Headers that the relay sets itself, or that would break the connection. */
const RESERVED_HEADERS =
  /^(connection|content-length|content-type|expect|host|keep-alive|proxy-.*|seam-relay-.*|te|traceparent|tracestate|trailer|transfer-encoding|upgrade|user-agent|webhook-.*)$/i

/** What is never shown, because it is or may hold a secret: a hook that is something else, and these fields of one. */
const HIDDEN_FIELDS = /^$|^\/(secrets|headers|url)(\/|$)/

/**
 * Turns one parsed item of the hooks list into a hook, or adds everything that is wrong with it to `mistakes`.
 * @param written the item before variables were put in: what came out of a variable is not shown
 */
export function readHook(
  item: unknown,
  where: string,
  mistakes: Mistake[],
  written: unknown = item,
): Hook | null {
  const candidate = Value.Default(HookSchema, structuredClone(item))
  const wrong = hookValidator.Check(candidate) ? [] : schemaMistakes(candidate, where, written)
  if (isRecord(candidate)) {
    const { url, secrets, headers, retry } = candidate
    if (typeof url === 'string') wrong.push(...urlMistakes(url, where))
    if (Array.isArray(secrets)) wrong.push(...secretMistakes(secrets, where))
    if (isRecord(headers)) wrong.push(...headerMistakes(headers, where))
    if (isRecord(retry)) wrong.push(...retryMistakes(retry, where))
  }
  const places = wrong.map((mistake) => mistake.where)
  mistakes.push(...wrong.filter((mistake, index) => places.indexOf(mistake.where) === index))
  return wrong.length === 0 ? (candidate as Hook) : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function schemaMistakes(candidate: unknown, where: string, written: unknown): Mistake[] {
  return hookValidator.Errors(candidate).flatMap(({ keyword, params, instancePath }) => {
    const place = placeOf(where, instancePath)
    if (keyword === 'required') {
      return (params as { requiredProperties: string[] }).requiredProperties.map((name) => ({
        where: placeIn(place, name),
        expected: describe(`${instancePath}/${name}`),
        found: 'nothing',
      }))
    }
    if (keyword === 'additionalProperties') {
      return (params as { additionalProperties: string[] }).additionalProperties.map((name) => ({
        where: placeIn(place, name),
        expected: 'no such setting',
        found:
          placeIn('', name) === '' ? `a setting whose name is ${hidden(name)}` : 'a setting of that name',
      }))
    }
    // The same setting that does not exist, once more.
    if (keyword === 'boolean') return []
    return [
      { where: place, expected: describe(instancePath), found: foundAt(instancePath, candidate, written) },
    ]
  })
}

/** Only a plain value that stands as it is in the file is shown, and only where no secret belongs. */
function foundAt(pointer: string, candidate: unknown, written: unknown): string {
  const value: unknown = Value.Pointer.Get(candidate, pointer)
  const open =
    !HIDDEN_FIELDS.test(pointer) && !isRecord(value) && Value.Pointer.Get(written, pointer) === value
  return open ? shown(value) : hidden(value)
}

/** `/retry/maxDelayMs` under `hooks[0]` is `hooks[0].retry.maxDelayMs`. */
function placeOf(where: string, pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((place, step) => placeIn(place, /^\d+$/.test(step) ? Number(step) : step), where)
}

/** What the schema says of the field, or of the nearest field above it that says something. */
function describe(pointer: string): string {
  let schema: { description?: string; properties?: Record<string, object> } = HookSchema
  let description = 'a hook: an object with at least name and url'
  for (const step of pointer.split('/').slice(1)) {
    const next = schema.properties?.[step]
    if (next === undefined) break
    schema = next
    description = schema.description ?? description
  }
  return description
}

function urlMistakes(text: string, where: string): Mistake[] {
  return isHttpUrl(text) ? [] : [{ where: `${where}.url`, expected: HTTP_URL_EXPECTED, found: hidden(text) }]
}

function secretMistakes(secrets: readonly unknown[], where: string): Mistake[] {
  return secrets.flatMap((secret, index) => {
    const found = secretProblem(secret)
    return found === null ? [] : [{ where: `${where}.secrets[${index}]`, expected: SECRET_EXPECTED, found }]
  })
}

function headerMistakes(headers: Readonly<Record<string, unknown>>, where: string): Mistake[] {
  return Object.entries(headers).flatMap(([name, value], index, { length }) => {
    if (!isValid(() => validateHeaderName(name))) {
      const place = `${where}.headers (number ${index + 1} of ${length})`
      return [{ where: place, expected: 'a valid name of an HTTP header', found: hidden(name) }]
    }
    const place = `${where}.headers.${name}`
    if (RESERVED_HEADERS.test(name)) {
      return [{ where: place, expected: 'no header that seam-relay sets itself', found: 'one' }]
    }
    if (typeof value !== 'string' || isValid(() => validateHeaderValue(name, value))) return []
    return [{ where: place, expected: 'a valid value of an HTTP header', found: hidden(value) }]
  })
}

function retryMistakes({ initialDelayMs, maxDelayMs }: Record<string, unknown>, where: string): Mistake[] {
  if (typeof initialDelayMs !== 'number' || typeof maxDelayMs !== 'number' || maxDelayMs >= initialDelayMs)
    return []
  const expected = `at least retry.initialDelayMs (${initialDelayMs})`
  return [{ where: `${where}.retry.maxDelayMs`, expected, found: shown(maxDelayMs) }]
}

/** Node's validators throw. */
function isValid(validate: () => void): boolean {
  try {
    validate()
    return true
  } catch {
    return false
  }
}
