import { HookSchema } from './hook.ts'

/** A piece of a JSON schema, as far as it is looked at here. */
interface Piece {
  type?: string
  pattern?: string
  default?: unknown
  items?: Piece
  anyOf?: Piece[]
  required?: string[]
  properties?: Record<string, Piece>
  [keyword: string]: unknown
}

/** A string that takes a variable of the environment. What it becomes cannot be known in an editor. */
const WITH_VARIABLE = '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}'

/**
 * The JSON schema of a hooks file, for editors: made of the schema that judges hooks at the start, and different from it
 * in two points. What has a default may be missing, and a string may name a variable instead of having its final form.
 * Of what `relay check` finds it knows only a part: not the URLs, secrets and names of headers.
 */
export function hooksFileSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The hooks file of seam-relay, which HOOKS_FILE names',
    type: 'object',
    required: ['hooks'],
    properties: {
      hooks: {
        description: 'a list of hooks: your services that get events',
        type: 'array',
        items: asWritten(structuredClone(HookSchema) as unknown as Piece),
      },
    },
  }
}

/** The piece as it is before variables are put in and defaults filled in. */
function asWritten(piece: Piece): Piece {
  const { pattern, items, anyOf, properties, required } = piece
  return {
    ...piece,
    ...(pattern === undefined ? {} : { pattern: `${pattern}|${WITH_VARIABLE}` }),
    ...(anyOf === undefined ? {} : { anyOf: [...anyOf, { type: 'string', pattern: WITH_VARIABLE }] }),
    ...(items === undefined ? {} : { items: asWritten(items) }),
    ...(properties === undefined ? {} : { properties: mapped(properties) }),
    ...(properties === undefined || required === undefined
      ? {}
      : { required: required.filter((name) => properties[name]?.default === undefined) }),
  }
}

function mapped(properties: Record<string, Piece>): Record<string, Piece> {
  return Object.fromEntries(Object.entries(properties).map(([name, piece]) => [name, asWritten(piece)]))
}
