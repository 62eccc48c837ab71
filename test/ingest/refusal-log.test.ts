import { expect, test } from 'vitest'
import { RefusalLog } from '../../src/ingest/refusal-log.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('the first ten refusals of a minute have a line each, and the others one line with counts', () => {
  const { refusals, lines, clock } = newLog()
  for (let n = 0; n < 1000; n++) {
    refusals.refused({ code: n % 4 === 0 ? 'rate_limited' : 'signature_mismatch', address: '192.0.2.1' })
  }
  expect(lines.map(({ msg }) => msg)).toEqual(Array<string>(10).fill('webhook refused'))
  clock.advance(60_000)
  expect(lines.slice(10)).toMatchObject([
    { msg: 'more webhooks refused', refused: { rate_limited: 247, signature_mismatch: 743 } },
  ])
})

test('the next minute begins with lines of their own again', () => {
  const { refusals, lines, clock } = newLog()
  refusals.refused({ code: 'signature_missing', address: '192.0.2.1' })
  clock.advance(60_000)
  refusals.refused({ code: 'signature_missing', address: '192.0.2.1' })
  expect(lines).toHaveLength(2)
})

test('what is counted is written at a stop', () => {
  const { refusals, lines } = newLog()
  for (let n = 0; n < 12; n++) refusals.refused({ code: 'rate_limited', address: '192.0.2.1' })
  refusals.close()
  refusals.close()
  expect(lines.slice(10)).toMatchObject([{ refused: { rate_limited: 2 } }])
})

function newLog() {
  const lines: Record<string, unknown>[] = []
  const clock = new ManualClock()
  const log = createLogger('info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  return { clock, lines, refusals: new RefusalLog(log, clock) }
}
