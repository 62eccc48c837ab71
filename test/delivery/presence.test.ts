import { expect, onTestFinished, test } from 'vitest'
import { Presence } from '../../src/delivery/presence.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { Announcement } from '../../src/store/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { parseLogLine } from '../support/log-lines.ts'
import { until } from '../support/until.ts'

const ALONE: Announcement = { kind: 'alone' }
const SHARED: Announcement = { kind: 'shared', others: 1, freed: 0, hasMore: false }

test('a process that has the store for itself announces once, and may send from then on for ever', async () => {
  const it = begin()
  expect(it.isFresh()).toBe(false)
  await it.answer(ALONE)
  expect(it.announced).toEqual([{ mayLeaseAgain: true, freed: 0 }])
  it.clock.advance(24 * 3_600_000)
  expect(it.isFresh()).toBe(true)
  expect(it.presence.hasOthers).toBe(false)
  expect(it.asked()).toBe(1)
})

test('one that shares the store announces every three seconds, and knows of the others', async () => {
  const it = begin()
  await it.answer(SHARED)
  expect(it.presence.hasOthers).toBe(true)
  it.clock.advance(2999)
  expect(it.asked()).toBe(1)
  it.clock.advance(1)
  await it.answer({ ...SHARED, others: 0, freed: 4 })
  expect(it.presence.hasOthers).toBe(false)
  expect(it.announced).toEqual([
    { mayLeaseAgain: true, freed: 0 },
    { mayLeaseAgain: false, freed: 4 },
  ])
})

test('it is fresh for twelve seconds from when the announcement was sent, not from its answer', async () => {
  const it = begin()
  await it.waiting()
  it.clock.advance(2000)
  await it.answer(SHARED)
  it.clock.advance(3000)
  await it.waiting()
  it.clock.advance(7000)
  expect(it.isFresh()).toBe(true)
  it.clock.advance(1)
  expect(it.isFresh()).toBe(false)
})

test('after announcements that failed for too long it lapses first, and may lease anew once one has arrived', async () => {
  const it = begin()
  await it.answer(SHARED)
  it.happened.length = 0
  for (let n = 0; n < 4; n++) {
    it.clock.advance(3000)
    await it.fail()
  }
  expect(it.happened).toEqual([])
  it.clock.advance(3000)
  await it.answer(SHARED)
  expect(it.happened).toEqual(['lapsed', 'announced'])
  expect(it.announced.at(-1)).toEqual({ mayLeaseAgain: true, freed: 0 })
  expect(it.logLines().map(({ msg }) => msg)).toEqual(
    Array.from({ length: 4 }, () => 'presence could not be announced, to be tried again'),
  )
})

test('a process that was paused while the store answered gives back what waits before it goes on', async () => {
  const it = begin()
  await it.answer(SHARED)
  it.clock.advance(3000)
  await it.waiting()
  it.happened.length = 0
  it.clock.stall(12_001)
  await it.answer(SHARED)
  it.clock.advance(0)
  await it.waiting()
  expect(it.happened).toEqual(['lapsed'])
  await it.answer(SHARED)
  expect(it.happened).toEqual(['lapsed', 'announced'])
})

test('as long as there is more to free it asks again at once', async () => {
  const it = begin()
  await it.answer({ ...SHARED, freed: 1000, hasMore: true })
  it.clock.advance(0)
  await it.answer({ ...SHARED, freed: 7 })
  it.clock.advance(2999)
  expect(it.asked()).toBe(2)
  expect(it.announced.map(({ freed }) => freed)).toEqual([1000, 7])
})

test('a stop takes its leave, and one that the store does not take is only logged', async () => {
  const it = begin({ leave: () => Promise.reject(new Error('the database is away')) })
  await it.answer(SHARED)
  await it.presence.stop()
  it.clock.advance(60_000)
  expect(it.asked()).toBe(1)
  expect(it.logLines()).toMatchObject([
    { level: 40, msg: 'leave not taken: other replicas notice within seconds' },
  ])
})

/** A presence that was started, before a store that answers when the test says so. */
function begin({ leave = () => Promise.resolve() } = {}) {
  const clock = new ManualClock()
  const asked: PromiseWithResolvers<Announcement>[] = []
  const announced: { mayLeaseAgain: boolean; freed: number }[] = []
  const happened: string[] = []
  const lines: string[] = []
  let answers = 0
  const presence = new Presence({
    store: {
      announce() {
        const answer = Promise.withResolvers<Announcement>()
        asked.push(answer)
        return answer.promise
      },
      leave,
    },
    clock,
    log: createLogger('trace', { write: (line) => void lines.push(line) }),
    onLapsed: () => void happened.push('lapsed'),
    onAnnounced(about) {
      announced.push(about)
      happened.push('announced')
    },
  })
  presence.start()
  onTestFinished(async () => {
    const stopped = presence.stop()
    for (const one of asked) one.resolve(ALONE)
    await stopped
  })
  const waiting = () => until('an announcement', () => asked.length > answers)
  /** Ends the announcement that waits, and lets the loop fall asleep again. */
  async function end(how: (one: PromiseWithResolvers<Announcement>) => void): Promise<void> {
    await waiting()
    how(asked[answers++] as PromiseWithResolvers<Announcement>)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    presence,
    clock,
    announced,
    happened,
    waiting,
    isFresh: () => presence.isFresh(clock.steadyMs()),
    asked: () => asked.length,
    logLines: () => lines.map(parseLogLine),
    answer: (announcement: Announcement) => end((one) => one.resolve(announcement)),
    fail: () => end((one) => one.reject(new Error('the database is away'))),
  }
}
