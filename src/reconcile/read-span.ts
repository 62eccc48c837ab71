import type { ApiFailure } from './api-failure.ts'
import type { ApiResult } from './seam-api.ts'
import { halvesOf } from './span.ts'
import type { Span } from './span.ts'

/** What Seam lists when it is not told how much: so no answer can be shorter only because of a maximum. */
export const PAGE_EVENTS = 500
/** A maximum that Seam documents nowhere would be a multiple of this. */
const ROUND_EVENTS = 50
/** More pages than this of one millisecond are not read. */
const MAX_PAGES = 200

/** A part of a span, in the order of time. */
export type Piece =
  | {
      kind: 'events'
      /** Each event as Seam wrote it. At most one page, and to be used up before the next piece is asked for. */
      texts: Buffer[]
      /** Where these are in time. */
      span: Span
      /** The whole span up to its end has been read with these. */
      isLast: boolean
      /** What Seam did not list in full, and why; `null` where it did. */
      gap: GapReason | null
    }
  | { kind: 'failed'; failure: ApiFailure }

export type GapReason = 'too_many_at_once' | 'too_large'
export type List = (span: Span, offset: number) => Promise<ApiResult<Buffer[]>>

/**
 * Reads all events of a span, the earlier before the later. Seam promises neither an order nor a cursor: so an answer that
 * may be cut, because it is full or has a round number of events, is thrown away and its span read in two halves. A single
 * millisecond that is full is read page by page, which Seam calls unstable: where pages overlap or cannot be had, nobody can
 * tell whether they are complete, and it becomes a gap. One page is held at a time.
 */
export async function* readSpan(whole: Span, list: List): AsyncGenerator<Piece> {
  const spans = [whole]
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const answer = await list(span, 0)
    const halves = halvesOf(span)
    if (!answer.ok) {
      if (answer.failure.code !== 'too_large') return yield { kind: 'failed', failure: answer.failure }
      if (halves === null) yield { kind: 'events', texts: [], span, isLast: true, gap: 'too_large' }
      else spans.push(halves[1], halves[0])
    } else if (!mayBeCut(answer.value)) {
      yield { kind: 'events', texts: answer.value, span, isLast: true, gap: null }
    } else if (halves === null) {
      const failure = yield* readPages(span, answer.value, list)
      if (failure !== null) return yield { kind: 'failed', failure }
    } else {
      spans.push(halves[1], halves[0])
    }
  }
}

async function* readPages(span: Span, first: Buffer[], list: List): AsyncGenerator<Piece, ApiFailure | null> {
  const seen = new Set<string>()
  // A page of any other length is whole by itself, whatever the offset does.
  const isCutForSure = first.length === PAGE_EVENTS
  let rows = 0
  let texts = first
  let gap: GapReason | null = null
  for (let page = 1; ; page++) {
    const fresh = texts.filter((text) => isNew(seen, text))
    const isIgnored = page === 2 && fresh.length === 0
    rows += texts.length
    if (fresh.length < texts.length && (isCutForSure || !isIgnored)) gap = 'too_many_at_once'
    const isFull = mayBeCut(texts)
    // A page without anything new says that the offset is ignored.
    if (!isFull || fresh.length === 0 || page === MAX_PAGES) {
      if (isFull && (isCutForSure || !isIgnored)) gap = 'too_many_at_once'
      yield { kind: 'events', texts: fresh, span, isLast: true, gap }
      return null
    }
    yield { kind: 'events', texts: fresh, span, isLast: false, gap: null }
    const answer = await list(span, rows)
    if (answer.ok) {
      texts = answer.value
    } else if (answer.failure.code === 'refused' || answer.failure.code === 'too_large') {
      gap ??= isCutForSure || page > 1 ? 'too_many_at_once' : null
      yield { kind: 'events', texts: [], span, isLast: true, gap }
      return null
    } else {
      return answer.failure
    }
  }
}

function mayBeCut(texts: readonly Buffer[]): boolean {
  return texts.length > 0 && texts.length % ROUND_EVENTS === 0
}

function isNew(seen: Set<string>, bytes: Buffer): boolean {
  const text = bytes.toString()
  const { event_id: id = text } = JSON.parse(text) as { event_id?: string }
  if (seen.has(id)) return false
  seen.add(id)
  return true
}

/** Why a span was not listed in full, as a part of a sentence. */
export function gapText(reason: GapReason | 'too_old'): string {
  switch (reason) {
    case 'too_many_at_once':
      return "more events were created in one millisecond than Seam's API lists in full"
    case 'too_large':
      return "Seam's API answered with more than the relay reads at once"
    case 'too_old':
      return 'nobody asked Seam for so long that ids of that time may be forgotten (DEDUP_RETENTION_DAYS)'
  }
}
