import { expect, test } from 'vitest'
import { createWebhookFacts } from '../../../src/operator/overview/webhook-facts.ts'
import type { CountRow, CountsRequest } from '../../../src/store/records.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const NOON = Date.UTC(2026, 2, 15, 12)

test('two weeks of counts are read a day at a time, and later only what has come since', async () => {
  const { facts, clock, questions } = begin()
  expect(await facts(clock.wallMs())).toMatchObject({ usualPerHour: 6, acceptedLastHour: 6 })
  const history = questions.splice(0).filter(({ stepMs }) => stepMs === HOUR_MS)
  expect(history).toHaveLength(15)
  expect(history[0]).toMatchObject({ since: NOON - 14 * DAY_MS })
  for (const { since, until } of history) expect(until - since).toBe(DAY_MS)

  clock.advance(2 * HOUR_MS)
  expect(await facts(clock.wallMs())).toMatchObject({ usualPerHour: 6 })
  expect(questions.filter(({ stepMs }) => stepMs === HOUR_MS)).toEqual([
    { since: NOON - HOUR_MS, until: NOON - HOUR_MS + DAY_MS, stepMs: HOUR_MS },
  ])
})

test('an hour of the past is counted once, however often it is read', async () => {
  const { facts, clock } = begin()
  const before = (await facts(clock.wallMs())).usualPerHour
  for (let hours = 0; hours < 30; hours++) {
    clock.advance(HOUR_MS)
    expect((await facts(clock.wallMs())).usualPerHour).toBe(before)
  }
})

/** A relay that takes a webhook each ten minutes, for as long as anybody remembers. */
function begin() {
  const clock = new ManualClock(NOON + 1)
  const questions: CountsRequest[] = []
  async function counts(request: CountsRequest): Promise<CountRow[]> {
    questions.push(request)
    const rows = new Map<number, CountRow>()
    for (let minute = Math.ceil(request.since / 600_000) * 600_000; ; minute += 600_000) {
      if (minute >= request.until || minute > clock.wallMs()) return [...rows.values()]
      const at = request.since + Math.floor((minute - request.since) / request.stepMs) * request.stepMs
      const row = rows.get(at) ?? { at, kind: 'accepted', hook: '', code: '', count: 0 }
      rows.set(at, { ...row, count: row.count + 1 })
    }
  }
  return {
    facts: createWebhookFacts({ reader: { counts }, recent: { lastVerifiedAt: null }, clock }),
    clock,
    questions,
  }
}
