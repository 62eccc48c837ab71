import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retryDelayMs } from '../../src/reconcile/backoff.ts'
import { PAGE_EVENTS, readSpan } from '../../src/reconcile/read-span.ts'
import type { Piece } from '../../src/reconcile/read-span.ts'
import { OVERLAP_MS, exclusiveEnds, halvesOf, spanToCompare } from '../../src/reconcile/span.ts'
import { missedText } from '../../src/reconcile/tally.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-03-01T10:00:00Z')
const settings = { lookbackMs: 2 * DAY_MS, settleMs: 120_000, rememberedMs: 400 * DAY_MS }

describe('the span of a pass', () => {
  test('is as long as a new store looks back, and ends where events are old enough', () => {
    expect(spanToCompare({ ...settings, nowMs: NOW, confirmedUntil: null })).toEqual({
      span: { fromMs: NOW - 2 * DAY_MS, toMs: NOW - 120_000 },
      tooOld: null,
    })
  })

  test('begins before what is confirmed, however long ago that was', () => {
    const confirmedUntil = NOW - 30 * DAY_MS
    expect(spanToCompare({ ...settings, nowMs: NOW, confirmedUntil })?.span.fromMs).toBe(
      confirmedUntil - OVERLAP_MS,
    )
  })

  test('does not reach back to where ids are forgotten, and names what is left out', () => {
    const confirmedUntil = NOW - 500 * DAY_MS
    const due = spanToCompare({ ...settings, nowMs: NOW, confirmedUntil })
    expect(due?.span.fromMs).toBeGreaterThan(NOW - 400 * DAY_MS)
    expect(due?.tooOld).toEqual({ fromMs: confirmedUntil, toMs: due?.span.fromMs })
  })

  test('is none where nothing is old enough', () => {
    expect(spanToCompare({ ...settings, lookbackMs: 1000, nowMs: NOW, confirmedUntil: null })).toBeNull()
  })
})

/** A Seam that lists no more than a page, with both ends left out, in an order of its own. */
function seamWith(times: readonly number[]) {
  const asked: number[] = []
  const list = async (span: { fromMs: number; toMs: number }, offset: number) => {
    const { afterMs, beforeMs } = exclusiveEnds(span)
    const listed = times
      .map((at, index) => ({ at, text: JSON.stringify({ event_id: `${index}` }) }))
      .filter(({ at }) => at > afterMs && at < beforeMs)
      .toSorted((one, other) => (one.text.length - other.text.length || one.text < other.text ? 1 : -1))
      .slice(offset, offset + PAGE_EVENTS)
    asked.push(listed.length)
    return { ok: true as const, value: listed.map(({ text }) => Buffer.from(text)), seamNowMs: null }
  }
  return { list, asked }
}

async function piecesOf(pieces: AsyncGenerator<Piece>): Promise<Extract<Piece, { kind: 'events' }>[]> {
  const all = []
  for await (const piece of pieces) {
    if (piece.kind === 'failed') throw new Error(piece.failure.code)
    all.push(piece)
  }
  return all
}

test('a span is read whole, in the order of time, however its events lie', async () => {
  const times = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 5000 }), count: fc.constantFrom(1, 3, 400, 600, 1300) }),
    { maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(times, async (clumps) => {
      const all = clumps.flatMap(({ at, count }) => Array.from({ length: count }, () => at))
      const { list } = seamWith(all)
      const pieces = await piecesOf(readSpan({ fromMs: 0, toMs: 5001 }, list))
      const ids = new Set(
        pieces.flatMap(({ texts }) =>
          texts.map((text) => (JSON.parse(text.toString()) as { event_id: string }).event_id),
        ),
      )
      expect(ids.size).toBe(all.length)
      expect(pieces.every(({ gap }) => gap === null)).toBe(true)
      expect(Math.max(...pieces.map(({ texts }) => texts.length))).toBeLessThanOrEqual(PAGE_EVENTS)
      const ends = pieces.filter(({ isLast }) => isLast).map(({ span }) => span.toMs)
      expect(ends).toEqual(ends.toSorted((one, other) => one - other))
      expect(ends.at(-1)).toBe(5001)
    }),
    { numRuns: 60 },
  )
})

test('halves leave nothing out, and a millisecond has none', () => {
  expect(halvesOf({ fromMs: 3, toMs: 4 })).toBeNull()
  expect(halvesOf({ fromMs: 3, toMs: 6 })).toEqual([
    { fromMs: 3, toMs: 4 },
    { fromMs: 4, toMs: 6 },
  ])
})

test('a failing workspace is left alone for longer each time, and for as long as Seam asks', () => {
  const delays = [1, 2, 3, 4, 20, 1000].map((failures) => retryDelayMs(failures, null, 1))
  expect(delays).toEqual([10_000, 20_000, 40_000, 80_000, 900_000, 900_000])
  expect(retryDelayMs(1, 60_000, 0)).toBe(60_000)
  expect(retryDelayMs(1, DAY_MS, 0)).toBe(3_600_000)
})

test.each([
  [12, 12, '12 events missed between 02:10 and 04:55, all recovered'],
  [1, 1, '1 event missed between 02:10 and 04:55, recovered'],
  [12, 3, '12 events missed between 02:10 and 04:55, 3 recovered'],
])('%d missed and %d recovered are told in a sentence', (missed, recovered, expected) => {
  const since = Date.parse('2026-03-01T02:10:00Z')
  const until = Date.parse('2026-03-01T04:55:59Z')
  expect(missedText({ missed, recovered, since, until }, NOW)).toBe(expected)
  expect(missedText({ missed, recovered, since: since - DAY_MS, until }, NOW)).toContain('2026-02-28 02:10')
})
