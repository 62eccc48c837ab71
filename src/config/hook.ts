import { validateHeaderName, validateHeaderValue } from 'node:http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { UUID_PATTERN } from '../events/event.ts'
import { EVENT_PATTERN } from '../events/event-pattern.ts'
import { hidden, shown } from './mistake.ts'
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
    url: Type.String({ description: 'an http: or https: URL without user name and password' }),
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

/** Fields whose value is never shown, because it is or may hold a secret. */
const HIDDEN_FIELDS = /^\/(secrets|headers|url)(\/|$)/

/** Turns one parsed item of the hooks list into a hook, or adds everything that is wrong with it to `mistakes`. */
export function readHook(item: unknown, where: string, mistakes: Mistake[]): Hook | null {
  const candidate = Value.Default(HookSchema, structuredClone(item))
  const wrong = hookValidator.Check(candidate) ? [] : schemaMistakes(candidate, where)
  if (isRecord(candidate)) {
    const { url, secrets, headers, retry } = candidate
    if (typeof url === 'string') wrong.push(...urlMistakes(url, where))
    if (Array.isArray(secrets)) wrong.push(...secretMistakes(secrets, where))
    if (isRecord(headers)) wrong.push(...headerMistakes(headers, where))
    if (isRecord(retry)) wrong.push(...retryMistakes(retry, where))
  }
  mistakes.push(...wrong)
  return wrong.length === 0 ? (candidate as Hook) : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function schemaMistakes(candidate: unknown, where: string): Mistake[] {
  const byPlace = new Map<string, Mistake>()
  for (const error of hookValidator.Errors(candidate)) {
    if (error.keyword === 'required') {
      for (const name of (error.params as { requiredProperties: string[] }).requiredProperties) {
        const place = placeOf(where, `${error.instancePath}/${name}`)
        byPlace.set(place, {
          where: place,
          expected: describe(`${error.instancePath}/${name}`),
          found: 'nothing',
        })
      }
    } else if (error.keyword === 'additionalProperties') {
      for (const name of (error.params as { additionalProperties: string[] }).additionalProperties) {
        const place = placeOf(where, `${error.instancePath}/${name}`)
        byPlace.set(place, { where: place, expected: 'no such setting', found: 'a setting of that name' })
      }
    } else {
      const place = placeOf(where, error.instancePath)
      const value = Value.Pointer.Get(candidate, error.instancePath)
      const found = HIDDEN_FIELDS.test(error.instancePath) ? hidden(value) : shown(value)
      if (!byPlace.has(place))
        byPlace.set(place, { where: place, expected: describe(error.instancePath), found })
    }
  }
  return [...byPlace.values()]
}

/** `/retry/maxDelayMs` under `hooks[0]` is `hooks[0].retry.maxDelayMs`. */
function placeOf(where: string, pointer: string): string {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return where + steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
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
  const url = URL.parse(text)
  const fits = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  return fits ? [] : [{ where: `${where}.url`, expected: describe('/url'), found: hidden(text) }]
}

function secretMistakes(secrets: readonly unknown[], where: string): Mistake[] {
  return secrets.flatMap((secret, index) => {
    const found = secretProblem(secret)
    return found === null ? [] : [{ where: `${where}.secrets[${index}]`, expected: SECRET_EXPECTED, found }]
  })
}

function headerMistakes(headers: Readonly<Record<string, unknown>>, where: string): Mistake[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const place = `${where}.headers.${name}`
    if (RESERVED_HEADERS.test(name)) {
      return [{ where: place, expected: 'no header that seam-relay sets itself', found: 'one' }]
    }
    if (typeof value !== 'string' || isHeader(name, value)) return []
    return [{ where: place, expected: 'a valid HTTP header', found: hidden(value) }]
  })
}

function retryMistakes({ initialDelayMs, maxDelayMs }: Record<string, unknown>, where: string): Mistake[] {
  if (typeof initialDelayMs !== 'number' || typeof maxDelayMs !== 'number' || maxDelayMs >= initialDelayMs)
    return []
  const expected = `at least retry.initialDelayMs (${initialDelayMs})`
  return [{ where: `${where}.retry.maxDelayMs`, expected, found: shown(maxDelayMs) }]
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
