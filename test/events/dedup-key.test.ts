import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dedupKey } from '../../src/events/dedup-key.ts'
import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'

const sample = { eventId: SAMPLE_EVENT_ID, isSample: true }

test('the key of an event is its id', () => {
  const eventId = randomUUID()
  expect(dedupKey({ eventId, isSample: false }, 'msg_1')).toBe(eventId)
})

test("the key of a sample is the sender's message id", () => {
  expect(dedupKey(sample, 'msg_loFOjxBNrRLzqYUf')).toBe('msg_loFOjxBNrRLzqYUf')
})

test('no sample has the key of an event, or of another sample', () => {
  const messageId = fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    fc.uuid().map((id) => `sample:${id}`),
    fc.string(),
  )
  fc.assert(
    fc.property(messageId, messageId, (one, other) => {
      expect(dedupKey(sample, one)).not.toBe(one.toLowerCase().match(/^[0-9a-f-]{36}$/)?.[0])
      expect(dedupKey(sample, one) === dedupKey(sample, other)).toBe(one === other)
    }),
  )
})
