import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { credentialEvent, eventsAsSent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newMessageId } from '../support/signed-webhook.ts'

describe('a verified webhook', () => {
  test('that is valid and new is accepted', async () => {
    const relay = await startRelay()
    const event = credentialEvent()
    const answer = await relay.send(event)
    expect(answer).toMatchObject({ status: 202, body: { status: 'accepted', event_id: event.event_id } })
  })

  test('that comes again is a duplicate, under whatever message id and with whatever white space', async () => {
    const relay = await startRelay()
    const event = credentialEvent()
    await relay.send(event)
    expect(await relay.send(event)).toMatchObject({
      status: 200,
      body: { status: 'duplicate', event_id: event.event_id },
    })
    const reordered = Object.fromEntries(Object.entries(event).toReversed())
    expect(await relay.send(JSON.stringify(reordered, null, 2))).toMatchObject({ status: 200 })
  })

  test('that comes again with its event_id in other case is a duplicate', async () => {
    const relay = await startRelay()
    const event = credentialEvent()
    await relay.send({ ...event, event_id: event.event_id.toUpperCase() })
    expect(await relay.send(event)).toMatchObject({
      status: 200,
      body: { status: 'duplicate', event_id: event.event_id },
    })
  })

  test('whose event_id is known with other content is quarantined, and the first stays as it is', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent()
    await relay.send(event)
    const changed = { ...event, acs_credential_id: randomUUID() }
    const answer = await relay.send(changed)
    expect(answer.status).toBe(202)
    expect(answer.body).toMatchObject({
      status: 'quarantined',
      problems: [{ path: '/event_id', message: 'is known already, with other content' }],
    })
    expect(await relay.send(event)).toMatchObject({ status: 200, body: { status: 'duplicate' } })
    await receiver.hasReceived(1)
    expect(receiver.received.map(({ body }) => body)).toEqual([JSON.stringify(event)])
  })

  test.each(['device.connected', 'a_type.nobody.knows.yet', 'ping'])(
    'of the type %s, outside ACCEPT_EVENT_TYPES, is ignored',
    async (event_type) => {
      const relay = await startRelay()
      expect(await relay.send({ ...credentialEvent(), event_type })).toMatchObject({
        status: 200,
        body: { status: 'ignored' },
      })
    },
  )

  test("that is the sender's ping is ignored", async () => {
    const relay = await startRelay()
    expect(await relay.send({ success: true })).toMatchObject({ status: 200, body: { status: 'ignored' } })
  })

  test.each([
    ['is empty', '', 'is empty'],
    ['is not JSON', '{"event_id":', 'is not valid JSON'],
    ['is no object', '[1,2]', 'must be a JSON object'],
    ['begins with a byte-order mark', '\uFEFF{}', 'begins with a byte-order mark, which JSON does not allow'],
    ['is no event', '{"hello":"world"}', 'is missing'],
  ])('that %s is quarantined with the problem named', async (_what, body, message) => {
    const relay = await startRelay()
    const answer = await relay.send(body)
    expect(answer.status).toBe(202)
    expect(answer.body).toMatchObject({ status: 'quarantined', id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(answer.body['problems']).toContainEqual(expect.objectContaining({ message }))
  })

  test('that fits no schema is quarantined with each problem and its place', async () => {
    const relay = await startRelay()
    const { acs_system_id: _left, ...rest } = credentialEvent({ workspace_id: 'here' })
    const event = { ...rest, connected_account_id: null }
    const answer = await relay.send(event)
    expect(answer.status).toBe(202)
    const paths = (answer.body['problems'] as { path: string }[]).map(({ path }) => path)
    expect(new Set(paths)).toEqual(new Set(['/acs_system_id', '/connected_account_id', '/workspace_id']))
    expect(JSON.stringify(answer.body)).not.toContain('here')
  })

  test('that is not UTF-8 is quarantined when its bytes were signed', async () => {
    const relay = await startRelay()
    const answer = await relay.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))
    expect(answer.body).toMatchObject({
      status: 'quarantined',
      problems: [{ path: '', message: 'is not valid UTF-8' }],
    })
  })

  test('that is quarantined and sent again under its message id keeps its quarantine id', async () => {
    const relay = await startRelay()
    const messageId = newMessageId()
    const first = await relay.send('nonsense', { messageId })
    const again = await relay.send('nonsense', { messageId })
    const other = await relay.send('nonsense')
    expect(again.body['id']).toBe(first.body['id'])
    expect(other.body['id']).not.toBe(first.body['id'])
  })
})

test.each(eventsAsSent)('an event that shows "$why" is accepted', async ({ event }) => {
  const relay = await startRelay()
  expect(await relay.send(event)).toMatchObject({ status: 202, body: { status: 'accepted' } })
})

test('a credential event of a type that this version does not know is accepted by what all events share', async () => {
  const relay = await startRelay()
  const answer = await relay.send({ ...credentialEvent(), event_type: 'acs_credential.suspended' })
  expect(answer).toMatchObject({ status: 202, body: { status: 'accepted' } })
})

test('fifty concurrent posts of one event give one 202 and one delivery', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const event = credentialEvent()
  const answers = await Promise.all(Array.from({ length: 50 }, () => relay.send(event)))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
  expect(answers.filter(({ status, body }) => status === 200 && body['status'] === 'duplicate')).toHaveLength(
    49,
  )
  await relay.send({ ...credentialEvent(), event_id: '99999999-9999-4999-8999-999999999999' })
  await receiver.hasReceived(2)
  expect(receiver.received.filter(({ headers }) => headers['webhook-id'] === event.event_id)).toHaveLength(1)
})
