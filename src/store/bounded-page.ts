import { cursorOf, positionOf } from './cursor.ts'
import type { ListName, Position } from './cursor.ts'
import type { ListDeliveries, ListEvents, Page, PageRequest } from './listings.ts'
import { STAMPED_LATER } from './replay-scope.ts'

// What both stores make of a request for a page, and of the rows that they looked at for it.

/** How many rows a page looks at where no index serves its filter. Some milliseconds. */
export const LOOKED_AT = 5000
/** And where each takes a further lookup: of a code among the attempts. */
const LOOKED_UP = 2000
const LARGEST_PAGE = 1000

/** Behind the newest of everything. */
const FROM_THE_NEWEST: Position = { at: Number.MAX_SAFE_INTEGER, name: '' }

export interface EventsScan {
  limit: number
  /** How many rows to look at. */
  looked: number
  /** Events with lower numbers than this. */
  before: number
  type: string | null
  /** What the type begins with. */
  family: string | null
  credentialId: string | null
  workspaceId: string | null
  since: number | null
  until: number | null
}

/** @throws {CursorError} */
export function eventsScan(request: ListEvents): EventsScan {
  const { type = '*', credentialId, workspaceId, since = null, until = null } = request
  const isFamily = type.endsWith('.*')
  const isFiltered = type !== '*' || workspaceId !== undefined || since !== null || until !== null
  const limit = limitOf(request)
  return {
    limit,
    looked: isFiltered ? LOOKED_AT : limit + 1,
    before: startOf('events', request).at,
    type: type === '*' || isFamily ? null : sought(type),
    family: isFamily ? sought(type.slice(0, -1)) : null,
    credentialId: credentialId === undefined ? null : sought(credentialId.toLowerCase()),
    workspaceId: workspaceId === undefined ? null : sought(workspaceId.toLowerCase()),
    since,
    until,
  }
}

/**
 * The numbers between which the events of a span are, both included. Replicas stamp each its own, so the numbers are in
 * the order of the times only nearly.
 * @param first the number of the first event that was accepted in the span or after it; `null`: there is none
 * @param last the number of the last event that was accepted in the span or before it
 */
export function seqBounds(
  { since, until, before }: EventsScan,
  first: number | null,
  last: number | null,
): { floor: number; before: number } {
  const floor = since === null ? 0 : first === null ? Number.MAX_SAFE_INTEGER : first - STAMPED_LATER
  const ceiling = until === null ? before : last === null ? 0 : last + STAMPED_LATER + 1
  return { floor, before: Math.min(before, ceiling) }
}

export interface DeliveriesScan {
  limit: number
  /** How many rows to look at. */
  looked: number
  /** Deliveries before this one, in the order of event and hook. */
  before: Position
  state: string | null
  hook: string | null
  code: string | null
  /** The index in which the deliveries are looked for; `null`: newest first through all of them. */
  among: 'dead' | 'undelivered' | null
}

/** @throws {CursorError} */
export function deliveriesScan(request: ListDeliveries): DeliveriesScan {
  const { state, hook, code } = request
  const limit = limitOf(request)
  const among = state === 'dead' ? 'dead' : state === 'pending' || state === 'leased' ? 'undelivered' : null
  // Among the dead, which are found by hook, only the code needs a look at each.
  const isFiltered =
    among === 'dead' ? code !== undefined : [state, hook, code].some((one) => one !== undefined)
  return {
    limit,
    looked: isFiltered ? (code === undefined ? LOOKED_AT : LOOKED_UP) : limit + 1,
    before: startOf('deliveries', request),
    state: state ?? null,
    hook: hook === undefined ? null : sought(hook),
    code: code === undefined ? null : sought(code),
    among,
  }
}

/** So many undelivered are all read, to find the newest of them: their indices are in another order. */
export const FEW_UNDELIVERED = 10_000

/** Those of the hook before the position have lower event numbers than this. */
export function belowOf(hook: string, before: Position): number {
  return hook < before.name ? before.at + 1 : before.at
}

/** In the order of a list of deliveries, from behind the position on. */
export function newestFirst(found: readonly Position[], before: Position): Position[] {
  return found.filter((one) => compareDown(before, one) < 0).toSorted(compareDown)
}

function compareDown(a: Position, b: Position): number {
  if (a.at !== b.at) return b.at - a.at
  if (a.name === b.name) return 0
  return a.name < b.name ? 1 : -1
}

export interface QuarantineScan {
  limit: number
  before: Position
}

/** @throws {CursorError} */
export function quarantineScan(request: PageRequest): QuarantineScan {
  return { limit: limitOf(request), before: startOf('quarantine', request) }
}

/** What a page's scan found. */
export interface Look {
  /** Those that fit, in order: one more than the page takes shows that there are more. */
  fitting: Position[]
  /** The last that was looked at, and when its event was accepted; `null`: it is not known any more. */
  last: { position: Position; acceptedAt: number | null } | null
  /** There was nothing further to look at. */
  isThrough: boolean
}

/** What of it is on the page, and how the page ends. */
export function pageEnd(
  list: ListName,
  { fitting, last, isThrough }: Look,
  limit: number,
): { shown: Position[] } & Omit<Page<never>, 'items'> {
  const shown = fitting.slice(0, limit)
  const lastShown = shown.at(-1)
  if (fitting.length > limit && lastShown !== undefined) {
    return { shown, next: cursorOf(list, lastShown), searchedBackTo: null }
  }
  if (isThrough || last === null) return { shown, next: null, searchedBackTo: null }
  return { shown, next: cursorOf(list, last.position), searchedBackTo: last.acceptedAt }
}

/** A text from outside that is looked for. Postgres takes no NUL in a text: one that nothing stored has stands for it. */
export function sought(text: string): string {
  return text.replaceAll('\0', '\u0001')
}

function startOf(list: ListName, { after }: PageRequest): Position {
  return after === undefined ? FROM_THE_NEWEST : positionOf(list, after)
}

function limitOf({ limit }: PageRequest): number {
  return Math.min(LARGEST_PAGE, Math.max(1, Math.trunc(limit)))
}
