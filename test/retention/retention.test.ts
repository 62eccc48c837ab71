import { expect, test, vi } from 'vitest'
import { Retention } from '../../src/retention/retention.ts'
import type { PruneRequest, PruneResult, Store } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

test('a pass removes what is delivered and too old, keeps what is not delivered, and still knows a resend', async () => {
  const [good, bad] = [await startReceiver(), await startReceiver(410)]
  const HOOKS = JSON.stringify([
    { name: 'good', url: good.url },
    { name: 'bad', url: bad.url, events: ['acs_credential.deleted'] },
  ])
  const relay = await startRelay({ HOOKS })
  const { store, reader } = relay.app
  const delivered = Array.from({ length: 300 }, () => credentialEvent())
  const dead = credentialEvent({ event_type: 'acs_credential.deleted' })
  await relay.send(dead)
  await Promise.all(delivered.map((event) => relay.send(event)))
  await until('everything to be settled', async () => {
    const metrics = await relay.metrics()
    return (
      metrics.includes('seam_relay_deliveries_settled_total{hook="good",state="delivered"} 301') &&
      metrics.includes('seam_relay_deliveries_settled_total{hook="bad",state="dead"} 1')
    )
  })

  await passOf(store, { payloadAgeMs: -1, dedupAgeMs: HOUR_MS })
  for (const event of delivered) expect(await reader.deliveriesOf(event.event_id)).toEqual([])
  expect(await reader.deliveriesOf(dead.event_id)).toHaveLength(2)
  expect(await relay.send(delivered[0])).toMatchObject({ status: 200, body: { status: 'duplicate' } })

  // Past the age of the ids too, it is an event like any other.
  await passOf(store, { payloadAgeMs: -1, dedupAgeMs: -1 })
  expect(await relay.send(delivered[0])).toMatchObject({ status: 202, body: { status: 'accepted' } })
  expect(await relay.send(dead)).toMatchObject({ status: 200, body: { status: 'duplicate' } })
})

test('a pass comes a minute after the start and then every hour, also after one that failed', async () => {
  const answers = [new Error('disk full'), { pruned: 3, forgotten: 1, next: null }]
  const { clock, asked, lines, retention } = begin(async () => {
    const answer = answers.shift() ?? { pruned: 0, forgotten: 0, next: null }
    if (answer instanceof Error) throw answer
    return answer
  })
  clock.advance(59_999)
  expect(asked).toHaveLength(0)
  clock.advance(1)
  await until('the first pass', () => lines.includes('retention pass failed, the next one is in an hour'))
  for (const passes of [2, 3]) {
    await until('the next pass', () => {
      clock.advance(HOUR_MS)
      return asked.length >= passes
    })
  }
  expect(lines.filter((line) => line === 'retention pass finished')).toHaveLength(1)
  await retention.stop()
})

test('a stop in the middle of a pass lets the step that is running end, and no other follows', async () => {
  const step = Promise.withResolvers<PruneResult>()
  const { clock, asked, retention } = begin(() => step.promise)
  clock.advance(60_000)
  await until('the first step', () => asked.length === 1)
  const stopped = retention.stop()
  step.resolve({ pruned: 100, forgotten: 0, next: { events: 100, ids: 100 } })
  await stopped
  clock.advance(2 * HOUR_MS)
  expect(asked).toHaveLength(1)
})

test('a relay that was started 40 days ahead deletes nothing that is younger by the clock of the sender', async () => {
  const clock = new ManualClock(Date.now() + 40 * DAY_MS)
  const relay = await startRelay({ PAYLOAD_RETENTION_DAYS: '30' }, clock)
  const prune = vi.spyOn(relay.app.store, 'prune')
  clock.advance(60_000)
  await relay.logged('retention waits for a webhook, which tells whether the time is right')
  expect(prune).not.toHaveBeenCalled()
  clock.setWall(Date.now())
  expect(await relay.send(credentialEvent())).toMatchObject({ status: 202 })
  await until('the first pass', () => {
    clock.advance(60_000)
    return prune.mock.calls.length > 0
  })
  expect(prune.mock.calls[0]?.[0].payloadAgeMs).toBeCloseTo(70 * DAY_MS, -6)
})

test('nothing is deleted before it is known how far the time is ahead, and then later by that', async () => {
  let aheadMs: number | null = null
  const through = async () => ({ pruned: 0, forgotten: 0, next: null })
  const { clock, asked, lines, retention } = begin(through, { payloadAgeMs: 1, dedupAgeMs: 2 }, () => aheadMs)
  await until('several looks', () => {
    clock.advance(60_000)
    return lines.length > 0
  })
  expect(asked).toEqual([])
  aheadMs = 4 * DAY_MS
  await until('the first pass', () => {
    clock.advance(60_000)
    return asked.length === 1
  })
  expect(asked).toMatchObject([{ payloadAgeMs: aheadMs + 1, dedupAgeMs: aheadMs + 2 }])
  expect(lines).toEqual([
    'retention waits for a webhook, which tells whether the time is right',
    "the store's time is ahead of the sender's: retention deletes later by that",
  ])
  await retention.stop()
})

/** A retention that has been started, on a clock that stands still. */
function begin(
  prune: Store['prune'],
  ages = { payloadAgeMs: 1, dedupAgeMs: 1 },
  timeAheadMs: () => number | null = () => 0,
) {
  const clock = new ManualClock()
  const lines: string[] = []
  const asked: PruneRequest[] = []
  const say = (_about: object, message: string) => void lines.push(message)
  const store = {
    prune: (request: PruneRequest) => {
      asked.push(request)
      return prune(request)
    },
  }
  const retention = new Retention({
    store,
    clock,
    log: { info: say, warn: say, error: say },
    timeAheadMs,
    ...ages,
  })
  retention.start()
  return { clock, asked, lines, retention }
}

/** Waits for one whole pass. */
async function passOf(store: Store, ages: { payloadAgeMs: number; dedupAgeMs: number }): Promise<void> {
  let isThrough = false
  const prune = async (request: PruneRequest) => {
    const step = await store.prune(request)
    isThrough = step.next === null
    return step
  }
  const { clock, retention } = begin(prune, ages)
  clock.advance(60_000)
  await until('the pass to be through', () => {
    clock.advance(50)
    return isThrough
  })
  await retention.stop()
}
