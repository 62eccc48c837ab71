import { describe, expect, test } from 'vitest'
import { credentialEvent, documentedEvents } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newMessageId } from '../support/signed-webhook.ts'

describe('the documented samples, all with one event id of zeros', () => {
  test('are each accepted and delivered under their message id, whatever came before', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const messageIds = [...documentedEvents, ...documentedEvents].map(newMessageId)
    for (const [index, messageId] of messageIds.entries()) {
      const answer = await relay.send(documentedEvents[index % 4], { messageId })
      expect(answer).toMatchObject({ status: 202, body: { status: 'accepted' } })
    }
    await receiver.hasReceived(8)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(messageIds),
    )
  })

  test('take no event its place, though their message id looks like its id', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent()
    const sample = documentedEvents[0]
    for (const status of ['accepted', 'duplicate']) {
      expect((await relay.send(sample, { messageId: event.event_id })).body).toMatchObject({ status })
      expect((await relay.send(event)).body).toMatchObject({ status })
    }
    await receiver.hasReceived(2)
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([
      event.event_id,
      event.event_id,
    ])
  })

  test('are duplicates when the sender tries again under the same message id', async () => {
    const relay = await startRelay()
    const messageId = newMessageId()
    expect((await relay.send(documentedEvents[0], { messageId })).status).toBe(202)
    expect((await relay.send(documentedEvents[0], { messageId })).status).toBe(200)
  })
})
