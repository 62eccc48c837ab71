import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { NOT_BLANK } from './api/shapes/fields.ts'
import { RequestRefused } from './request-refused.ts'

/** Names out of a request are shown up to this length. */
const SHOWN_CHARACTERS = 64
const PARTS: Record<string, string> = { querystring: 'query parameter', params: 'part of the path' }

/**
 * Judges requests by their schemas and changes nothing in them. Fastify's own validator drops what a schema does not know: it
 * would drop a mistyped filter, and a replay would then be of everything. Numbers and truth values of a query are
 * read from their text if they are exactly that.
 */
export const strictValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  const properties = (schema as { properties?: Record<string, SchemaOfField> }).properties ?? {}
  return (given: unknown) => {
    const isMissing = httpPart === 'body' && (given === null || given === undefined)
    // Where all fields may be left out, no body at all is more likely a mistake than "everything".
    if (isMissing && Object.keys(properties).length > 0) return { error: refusal('The body is missing.') }
    const value = httpPart === 'body' ? (given ?? {}) : fromText(given, properties)
    if (validator.Check(value)) return { value }
    return { error: refusal(mistakeIn(validator.Errors(value), httpPart)) }
  }
}

function refusal(mistake: string): RequestRefused {
  return new RequestRefused('request_invalid', `${mistake} Nothing was done.`)
}

interface SchemaOfField {
  type?: string
}

interface Mistake {
  keyword: string
  instancePath: string
  message: string
  params: unknown
}

function fromText(given: unknown, properties: Record<string, SchemaOfField>): unknown {
  return Object.fromEntries(
    Object.entries(given as Record<string, unknown>).map(([name, text]) => [
      name,
      typeof text === 'string' ? valueOf(text, properties[name]?.type) : text,
    ]),
  )
}

function valueOf(text: string, type: string | undefined): unknown {
  if (type === 'integer' && /^\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** Names the first field that is wrong, and what was expected there; never the value that was given. */
function mistakeIn(mistakes: readonly Mistake[], httpPart = 'body'): string {
  const part = PARTS[httpPart] ?? 'field'
  const unknown = mistakes.flatMap(({ keyword, params, instancePath }) =>
    keyword === 'additionalProperties'
      ? (params as { additionalProperties: string[] }).additionalProperties.map((name) =>
          shown(`${instancePath}/${name}`),
        )
      : [],
  )
  if (unknown.length > 0) return `There is no ${part} ${unknown[0]}.`
  const missing = mistakes.find(({ keyword }) => keyword === 'required')
  if (missing !== undefined) {
    const [name = ''] = (missing.params as { requiredProperties: string[] }).requiredProperties
    return `The ${part} ${shown(`${missing.instancePath}/${name}`)} is missing.`
  }
  const wrong = mistakes[0]
  if (wrong === undefined || wrong.instancePath === '')
    return `The ${httpPart} ${wrong?.message ?? 'is not as it must be'}.`
  return `The ${part} ${shown(wrong.instancePath)} ${expected(wrong)}.`
}

function expected({ keyword, message, params }: Mistake): string {
  if (keyword === 'enum')
    return `must be one of ${(params as { allowedValues: string[] }).allowedValues.join(', ')}`
  if (keyword === 'pattern' && (params as { pattern: string | RegExp }).pattern === NOT_BLANK)
    return 'must not be blank'
  if (keyword === 'format') return 'must be an ISO 8601 time, such as 2026-01-31T12:00:00Z'
  return message
}

/** `/states/0` is told as `states.0`. */
function shown(pointer: string): string {
  const name = pointer.slice(1).replaceAll('/', '.').slice(0, SHOWN_CHARACTERS)
  return JSON.stringify(name)
}
