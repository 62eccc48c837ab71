import { CursorError } from './listings.ts'

/** Which list a cursor belongs to. */
export type ListName = 'events' | 'deliveries' | 'quarantine'

/** Where a page ended: a number (of an event, or a time), and a name where several items share that number. */
export interface Position {
  at: number
  name: string
}

/** Raised with every change of what a cursor says. One of another version is refused, and the list begins anew. */
const VERSION = '1'
const NAME = /^[^\s\0]{0,200}$/
const NUMBER = /^(0|[1-9][0-9]{0,15})$/

/** The position as opaque text, for people's addresses and scripts. */
export function cursorOf(list: ListName, { at, name }: Position): string {
  return Buffer.from([VERSION, list, at, name].join(' ')).toString('base64url')
}

/**
 * The position that the text was made of.
 * @throws {CursorError} if it is not a cursor of this list
 */
export function positionOf(list: ListName, cursor: string): Position {
  const [, , number = '', name = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  const position = { at: Number(number), name }
  const isOne = NUMBER.test(number) && Number.isSafeInteger(position.at) && NAME.test(name)
  // Made again and compared: so each position has one text only, and whatever else the text holds is refused.
  if (!isOne || cursorOf(list, position) !== cursor) throw new CursorError()
  return position
}
