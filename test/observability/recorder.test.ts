import { expect, test, vi } from 'vitest'
import { Recorder } from '../../src/observability/recorder.ts'
import type { RecordRequest } from '../../src/store/records.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'

const ITEM = {
  kind: 'accepted',
  id: 'an-event',
  eventType: 'acs_credential.issued',
  hook: null,
  code: null,
} as const
const HOUR_MS = 3_600_000

/** A recorder whose store takes what it is given, or nothing while `isFailing`. */
function newRecorder() {
  const clock = new ManualClock()
  const taken: RecordRequest[] = []
  const store = { isFailing: false, tries: 0 }
  const record = async (request: RecordRequest) => {
    store.tries++
    if (store.isFailing) throw new Error('no')
    taken.push(request)
  }
  const log = { warn: vi.fn<() => void>(), info: vi.fn<() => void>() }
  const recorder = new Recorder({ store: { record }, clock, log })
  recorder.start()
  const aSecond = async () => {
    clock.advance(1000)
    await vi.waitFor(() => expect(clock.timers).toBe(1), { timeout: 20_000 })
  }
  return { recorder, taken, store, log, aSecond }
}

test('a second in which nothing happened writes nothing', async () => {
  const { recorder, store, aSecond } = newRecorder()
  await aSecond()
  await recorder.stop()
  expect(store.tries).toBe(0)
})

test('what happened in a second is written in one call, with counts summed up', async () => {
  const { recorder, taken, aSecond } = newRecorder()
  for (let n = 0; n < 3; n++) recorder.count('accepted')
  recorder.count('delivered', 'one')
  recorder.happened(ITEM)
  await aSecond()
  expect(taken).toEqual([
    {
      counts: [
        { kind: 'accepted', hook: '', code: '', count: 3 },
        { kind: 'delivered', hook: 'one', code: '', count: 1 },
      ],
      activity: [{ ...ITEM, at: expect.any(Number) as number }],
      skipped: 0,
    },
  ])
})

test('of a flood the first hundred are kept, and the others counted', async () => {
  const { recorder, taken, aSecond } = newRecorder()
  for (let n = 0; n < 250; n++) recorder.happened(ITEM)
  await aSecond()
  expect([taken[0]?.activity.length, taken[0]?.skipped]).toEqual([100, 150])
})

test('while the store fails, no count is lost, it is said once, and watchers are told of a gap', async () => {
  const { recorder, taken, store, log, aSecond } = newRecorder()
  store.isFailing = true
  for (let n = 0; n < 3; n++) {
    recorder.count('accepted')
    recorder.happened(ITEM)
    await aSecond()
  }
  expect([store.tries, log.warn.mock.calls.length]).toEqual([3, 1])
  store.isFailing = false
  await aSecond()
  expect(taken).toEqual([{ counts: [expect.objectContaining({ count: 3 })], activity: [], skipped: 3 }])
})

test('a stop writes what there is', async () => {
  const { recorder, taken } = newRecorder()
  recorder.count('ignored')
  await recorder.stop()
  expect(taken).toHaveLength(1)
})

test('a relay counts webhooks and attempts in its store, by hook and code', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const event = credentialEvent()
  await relay.send(event)
  await relay.send(event)
  await relay.post(signedWebhook(newSecret(), JSON.stringify(event)))
  await relay.send({ nonsense: true })
  await receiver.hasReceived(1)
  const now = Date.now()
  const span = { since: now - HOUR_MS, until: now + HOUR_MS, stepMs: 2 * HOUR_MS }
  await vi.waitFor(
    async () => {
      const counted = (await relay.app.reader.counts(span)).map(
        ({ kind, hook, code, count }) => `${kind} ${hook} ${code} ${count}`,
      )
      expect(counted.filter((row) => !row.startsWith('latency'))).toEqual([
        'accepted   1',
        'delivered one  1',
        'duplicate   1',
        'quarantined   1',
        'refused  signature_mismatch 1',
      ])
      expect(counted.some((row) => /^latency one \d+ 1$/.test(row))).toBe(true)
    },
    { timeout: 60_000 },
  )
  const { rows } = await relay.app.reader.activityAfter(0, 100)
  const kinds = rows.flatMap(({ items }) => items.map(({ kind }) => kind))
  expect(kinds.toSorted()).toEqual(['accepted', 'delivered', 'quarantined'])
})
