import { describe, expect, test } from 'vitest'
import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'
import type { ClaimedDelivery, Store } from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import {
  LONG_MS,
  SHORT_LEASE_MS,
  acceptance,
  changedContent,
  claim,
  claimAll,
  claimOne,
  claimable,
  countOutcomes,
  judged,
  pendingFor,
  roundedUp,
  settleOne,
} from './asking.ts'

export function describeAccept(name: string, open: () => Promise<Store>): void {
  describe(`${name}: accept`, () => {
    test('takes a new event in, with one delivery for each hook', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
      const deliveries = await claim(store, ['a', 'b', 'c'])
      expect(deliveries.map(({ hook }) => hook).toSorted()).toEqual(['a', 'b'])
      expect(deliveries[1]?.eventSeq).toBe(deliveries[0]?.eventSeq)
      for (const delivery of deliveries) {
        expect(delivery).toEqual({
          eventSeq: expect.any(Number),
          hook: delivery.hook,
          webhookId: request.webhookId,
          eventType: 'acs_credential.issued',
          body: request.event.body,
          leaseToken: 1,
          attempt: 1,
          failures: 0,
          ageMs: expect.any(Number),
          failingForMs: null,
        })
        expect(delivery.ageMs).toBeGreaterThanOrEqual(0)
        expect(delivery.ageMs).toBeLessThan(LONG_MS)
      }
    })

    test('leases a delivery at once where it is asked to, as the first attempt', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      const deliveries = [{ hook: 'a', leaseMs: LONG_MS }, { hook: 'b' }]
      const accepted = await store.accept({ ...request, deliveries })
      const { deliveries: due, nextDueInMs } = await claimAll(store, ['a', 'b'], 2 * LONG_MS)
      expect(due).toMatchObject([{ hook: 'b', leaseToken: 1, attempt: 1 }])
      expect(accepted).toEqual({ outcome: 'accepted', eventSeq: due[0]?.eventSeq })
      expect(roundedUp(nextDueInMs)).toBe(LONG_MS)
      const leased = { ...(due[0] as ClaimedDelivery), hook: 'a' }
      expect(await settleOne(store, leased, pendingFor(0))).toBe('settled')
      expect(await claimOne(store, 'a')).toMatchObject({ attempt: 2, failures: 9 })
    })

    test('gives what was leased at once to others when that lease has run out', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept({ ...request, deliveries: [{ hook: 'a', leaseMs: SHORT_LEASE_MS }] })
      const taken = await claimable(store, 'a')
      expect(taken).toMatchObject({ leaseToken: 2, failures: 0, webhookId: request.webhookId })
      expect(await settleOne(store, { ...taken, leaseToken: 1 }, { state: 'delivered' })).toBe('lease_lost')
    })

    test('takes an event in that no hook wants', async () => {
      const store = await open()
      const request = acceptance({ hooks: [] })
      expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
      expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a'])).toEqual([])
    })

    test('keeps the body as it came, in every script', async () => {
      const store = await open()
      const event = judged(` ${JSON.stringify(credentialEvent({ note: 'ä€😀 \u0000 \\' }), null, 2)}\r\n`)
      await store.accept(acceptance({ event, hooks: ['a'] }))
      expect((await claimOne(store, 'a')).body).toBe(event.body)
    })

    test('knows an event again by its webhook id, whatever message brings it', async () => {
      const store = await open()
      const first = acceptance({ hooks: ['a'] })
      await store.accept(first)
      expect(await store.accept({ ...first, messageId: newMessageId() })).toEqual({ outcome: 'duplicate' })
      expect(await store.accept(first)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a'])).toHaveLength(1)
    })

    test('leaves what it had when a duplicate comes with other white space or for other hooks', async () => {
      const store = await open()
      const event = credentialEvent()
      const first = acceptance({ event: judged(JSON.stringify(event)), hooks: ['a'] })
      await store.accept(first)
      const spaced = judged(JSON.stringify(event, null, 2))
      expect(await store.accept({ ...first, event: spaced, deliveries: [{ hook: 'b' }] })).toEqual({
        outcome: 'duplicate',
      })
      const deliveries = await claim(store, ['a', 'b'])
      expect(deliveries).toMatchObject([{ hook: 'a', body: first.event.body }])
    })

    test('sets other content under a known webhook id aside, and the first stays as it is', async () => {
      const store = await open()
      const first = acceptance({ hooks: ['a'] })
      await store.accept(first)
      const changed = changedContent(first)
      const conflict = await store.accept(changed)
      expect(conflict).toEqual({
        outcome: 'conflict',
        quarantineId: expect.stringMatching(/./),
        problems: [{ path: '/event_id', message: 'is known already, with other content' }],
      })
      expect(await store.accept(changed)).toEqual(conflict)
      expect(await store.accept(first)).toEqual({ outcome: 'duplicate' })
      expect(await claim(store, ['a', 'b'])).toMatchObject([{ hook: 'a', body: first.event.body }])
    })

    test('sets the content of a conflict aside once for each message that brings it', async () => {
      const store = await open()
      const first = acceptance()
      await store.accept(first)
      const changed = changedContent(first)
      const ids = []
      for (const messageId of ['msg_1', 'msg_1', 'msg_2']) {
        const result = await store.accept({ ...changed, messageId })
        if (result.outcome === 'conflict') ids.push(result.quarantineId)
      }
      expect(ids).toHaveLength(3)
      expect(ids[1]).toBe(ids[0])
      expect(ids[2]).not.toBe(ids[0])
    })

    test('takes samples in under their message ids, though their event id is one', async () => {
      const store = await open()
      const event = judged(JSON.stringify(credentialEvent({ event_id: SAMPLE_EVENT_ID })))
      for (const webhookId of ['msg_1', 'msg_2']) {
        const ids = { dedupKey: webhookId, webhookId, messageId: webhookId }
        const request = { ...acceptance({ event, hooks: ['a'] }), ...ids }
        expect(await store.accept(request)).toMatchObject({ outcome: 'accepted' })
        expect(await store.accept(request)).toEqual({ outcome: 'duplicate' })
      }
      const deliveries = await claim(store, ['a'])
      expect(deliveries.map(({ webhookId }) => webhookId)).toEqual(['msg_1', 'msg_2'])
    })

    test('takes an event and a sample in that have one webhook id and two keys', async () => {
      const store = await open()
      const event = acceptance({ hooks: ['a'] })
      const sample = { ...acceptance({ hooks: ['a'] }), dedupKey: 'sample', webhookId: event.webhookId }
      const answers = await Promise.all([event, sample, event, sample].map((one) => store.accept(one)))
      expect(answers.map(({ outcome }) => outcome)).toEqual([
        'accepted',
        'accepted',
        'duplicate',
        'duplicate',
      ])
      const deliveries = await claim(store, ['a'])
      expect(deliveries.map(({ webhookId }) => webhookId)).toEqual([event.webhookId, event.webhookId])
      expect(new Set(deliveries.map(({ body }) => body))).toEqual(
        new Set([event.event.body, sample.event.body]),
      )
    })

    test('takes one of fifty in that come at once with one webhook id', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a', 'b'] })
      const results = await Promise.all(
        Array.from({ length: 50 }, () => store.accept({ ...request, messageId: newMessageId() })),
      )
      expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 49 })
      expect(await claim(store, ['a', 'b'])).toHaveLength(2)
    })

    test('takes one in of those that come at once with one webhook id and two contents', async () => {
      const store = await open()
      const one = acceptance({ hooks: ['a'] })
      const other = changedContent(one)
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) => store.accept(n % 2 === 0 ? one : other)),
      )
      expect(countOutcomes(results)).toEqual({ accepted: 1, duplicate: 24, conflict: 25 })
      expect(await claim(store, ['a', 'b'])).toHaveLength(1)
    })

    test('takes all in that come at once with webhook ids of their own', async () => {
      const store = await open()
      const requests = Array.from({ length: 50 }, () => acceptance({ hooks: ['a'] }))
      const results = await Promise.all(requests.map((request) => store.accept(request)))
      expect(countOutcomes(results)).toEqual({ accepted: 50 })
      const deliveries = await claim(store, ['a'])
      expect(new Set(deliveries.map(({ webhookId }) => webhookId))).toEqual(
        new Set(requests.map(({ webhookId }) => webhookId)),
      )
      expect(new Set(deliveries.map(({ eventSeq }) => eventSeq)).size).toBe(50)
    })

    test('numbers events in the order of acceptance', async () => {
      const store = await open()
      const requests = Array.from({ length: 5 }, () => acceptance({ hooks: ['a'] }))
      for (const request of requests) await store.accept(request)
      const bySeq = (await claim(store, ['a'])).toSorted((one, other) => one.eventSeq - other.eventSeq)
      expect(bySeq.map(({ webhookId }) => webhookId)).toEqual(requests.map(({ webhookId }) => webhookId))
    })

    test('does not deliver again what was delivered, when a duplicate or a conflict comes', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      await settleOne(store, await claimOne(store, 'a'), { state: 'delivered' })
      await store.accept(request)
      await store.accept(changedContent(request))
      expect(await claim(store, ['a', 'b'])).toEqual([])
    })
  })

  describe(`${name}: quarantine`, () => {
    const problems = [{ path: '', message: 'is not valid UTF-8' }]
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d])

    test('keeps a body once under its message id', async () => {
      const store = await open()
      const { quarantineId } = await store.quarantine({ messageId: 'msg_1', bytes, problems })
      expect(quarantineId).toMatch(/./)
      expect(await store.quarantine({ messageId: 'msg_1', bytes, problems })).toEqual({ quarantineId })
    })

    test('tells bodies and messages apart', async () => {
      const store = await open()
      const ids = []
      for (const [messageId, body] of [
        ['msg_1', bytes],
        ['msg_2', bytes],
        ['msg_1', Buffer.from([0x7b, 0xfe, 0x00, 0x7d])],
        ['msg_1', Buffer.alloc(0)],
        ['msg_', Buffer.concat([Buffer.from('1'), bytes])],
      ] as const) {
        ids.push((await store.quarantine({ messageId, bytes: body, problems })).quarantineId)
      }
      expect(new Set(ids).size).toBe(5)
    })

    test('keeps one of those that come at once under one message id', async () => {
      const store = await open()
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.quarantine({ messageId: 'msg_1', bytes, problems })),
      )
      expect(new Set(answers.map(({ quarantineId }) => quarantineId)).size).toBe(1)
    })

    test('takes nothing in that could be delivered', async () => {
      const store = await open()
      await store.quarantine({ messageId: 'msg_1', bytes, problems })
      expect(await claimAll(store, ['a'])).toEqual({ deliveries: [], nextDueInMs: null })
    })
  })
}
