import Type from 'typebox'
import type { Static, TSchema, TProperties } from 'typebox'

/** An object with these fields and no others: an unknown one is a mistake, never ignored. */
export function exactly<P extends TProperties>(properties: P, description?: string) {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  })
}

export function orNull<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

export function oneOf<const T extends string[]>(...values: readonly [...T]) {
  return Type.Enum<T>(values)
}

/** ISO 8601 in UTC. */
export const Time = Type.String({ format: 'date-time', description: 'ISO 8601 in UTC' })
export const Count = Type.Integer({ minimum: 0 })
export const Id = Type.String({ minLength: 1, maxLength: 200 })
export const HookName = Type.String({ pattern: '^[a-z0-9-]{1,64}$' })
/** Words of a person: not only blanks. */
export const NOT_BLANK = String.raw`\S`
/** A code of a failure or a refusal: stable, meant to be compared. */
export const Code = Type.String({ minLength: 1, maxLength: 64 })
export const State = oneOf('pending', 'leased', 'delivered', 'dead')

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: 'The `cursor` of the page before.' })),
}

/** A page of a list, newest first. */
export function pageOf<T extends TSchema>(item: T) {
  return exactly({
    items: Type.Array(item),
    cursor: orNull(Type.String({ description: 'Ask with it for the next page; null at the end.' })),
  })
}

/** A page of a list whose filter may have no index. */
export function searchedPageOf<T extends TSchema>(item: T) {
  return exactly({
    items: Type.Array(item),
    cursor: orNull(Type.String()),
    searched_back_to: orNull(Time),
  })
}

/** A problem document (RFC 9457). */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
})
export type Problem = Static<typeof Problem>
