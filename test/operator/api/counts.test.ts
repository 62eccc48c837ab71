import { expect, test, vi } from 'vitest'
import { ManualClock } from '../../support/manual-clock.ts'
import { operatorOf } from '../../support/operator-call.ts'
import { startRelay } from '../../support/relay.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')
const HOUR = '/api/counts?since=2026-03-01T11:00:00Z&step=60'
const DAY = '/api/counts?since=2026-02-28T12:30:00Z&step=1800'

test('those who ask for the same span within two seconds cause one reading', async () => {
  const { get, clock, reading } = await begin()
  const [one, other] = await Promise.all([get(HOUR), get(HOUR)])
  expect(other).toEqual(one)
  clock.advance(1999)
  expect(await get(HOUR)).toEqual(one)
  expect(reading).toHaveBeenCalledTimes(1)
  clock.advance(1)
  await get(HOUR)
  expect(reading).toHaveBeenCalledTimes(2)
})

test('another span or another step is read by itself', async () => {
  const { get, reading } = await begin()
  const answers = await Promise.all([HOUR, DAY, `${HOUR}0`, HOUR, DAY].map(get))
  expect(answers.map(({ since, step_ms: step }) => [since, step])).toEqual([
    ['2026-03-01T11:00:00.000Z', 60_000],
    ['2026-02-28T12:30:00.000Z', 1_800_000],
    ['2026-03-01T11:00:00.000Z', 600_000],
    ['2026-03-01T11:00:00.000Z', 60_000],
    ['2026-02-28T12:30:00.000Z', 1_800_000],
  ])
  expect(reading).toHaveBeenCalledTimes(3)
})

test('a new minute is not missed for what was read before it', async () => {
  const { get, clock, reading } = await begin()
  clock.advance(59_999)
  expect((await get(HOUR))['until']).toBe('2026-03-01T12:01:00.000Z')
  clock.advance(1)
  expect((await get(HOUR))['until']).toBe('2026-03-01T12:02:00.000Z')
  expect(reading).toHaveBeenCalledTimes(2)
})

test('of spans that are asked for once, few are kept', async () => {
  const { get, reading } = await begin()
  await get(HOUR)
  for (let hour = 1; hour <= 8; hour++) await get(`/api/counts?since=2026-03-01T0${hour}:00:00Z`)
  await get(HOUR)
  expect(reading).toHaveBeenCalledTimes(10)
})

async function begin() {
  const clock = new ManualClock(NOON)
  const { app } = await startRelay({}, clock)
  const operator = await operatorOf(app)
  const get = async (url: string) => (await operator.get(url)).body
  return { get, clock, reading: vi.spyOn(app.reader, 'counts') }
}
