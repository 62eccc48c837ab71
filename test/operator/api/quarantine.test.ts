import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Json } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'

test('what was set aside is listed newest first and shown beside its problems', async () => {
  const relay = await startRelay()
  const first = await setAside(relay, { ...credentialEvent(), acs_credential_id: 5 })
  const second = await setAside(relay, '<script>alert(1)</script>')
  const operator = await operatorOf(relay.app)
  const { items, cursor } = (await operator.get('/api/quarantine?limit=1')).body
  expect(items).toMatchObject([
    { id: second, times_seen: 1, problems: [{ path: '', message: 'is not valid JSON' }] },
  ])
  const rest = (await operator.get(`/api/quarantine?cursor=${encodeURIComponent(cursor)}`)).body
  expect(rest['items'].map((one: Json) => one.id)).toEqual([first])
  const { body } = await operator.get(`/api/quarantine/${second}`)
  expect(body).toMatchObject({ body: '<script>alert(1)</script>', is_utf8: true, masked: [] })
})

test('a body that is no text is shown as far as it can be', async () => {
  const relay = await startRelay()
  const { body: answer } = await relay.send(Buffer.from([0x7b, 0xff, 0x22]))
  const { body } = await (await operatorOf(relay.app)).get(`/api/quarantine/${answer['id'] as string}`)
  expect(body).toMatchObject({ body: '{\ufffd"', is_utf8: false })
})

test.each([
  ['JSON of no type that is known', '{"code":"70417382","from":{"x":"70417382"},"event_type":5}'],
  ['JSON that is cut off', '{"event_type":"access_code.set","code":"70417382'],
  ['no JSON', 'code=70417382&to=70417382'],
])('PINs are masked in %s until somebody asks for them', async (_, text) => {
  const relay = await startRelay({ ACCEPT_EVENT_TYPES: '*' })
  const id = await setAside(relay, text)
  const operator = await operatorOf(relay.app)
  expect((await operator.get(`/api/quarantine/${id}`)).text).not.toContain('70417382')
  expect((await operator.get(`/api/quarantine/${id}?reveal=true`)).body['body']).toBe(text)
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([{ action: 'reveal', target: id }])
})

test('judged again, a misfit stays for its problems, and is neither counted nor announced once more', async () => {
  const relay = await startRelay()
  const id = await setAside(relay, { ...credentialEvent(), acs_credential_id: 5 })
  const operator = await operatorOf(relay.app)
  const { body } = await operator.post(`/api/quarantine/${id}/retry`)
  expect(body).toMatchObject({
    status: 'quarantined',
    event_id: null,
    problems: [{ path: '/acs_credential_id' }],
  })
  expect((await operator.get(`/api/quarantine/${id}`)).body).toMatchObject({ times_seen: 1 })
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([
    { action: 'judge_again', target: id, about: { status: 'quarantined' } },
  ])
})

test('judged again after a setting was changed, it is taken in, delivered, and no longer in quarantine', async () => {
  const receiver = await startReceiver()
  // A type that no schema knows by name: only the shared fields are checked.
  const event = { ...credentialEvent(), event_type: 'access_code.set' }
  const { id, DATABASE_URL } = await setAsideBefore(event)
  const relay = await startRelay({ ...hookTo(receiver), DATABASE_URL, ACCEPT_EVENT_TYPES: '*' })
  const operator = await operatorOf(relay.app)
  const { body } = await operator.post(`/api/quarantine/${id}/retry`)
  expect(body).toEqual({ status: 'accepted', event_id: event.event_id, problems: [] })
  await receiver.hasReceived(1)
  expect(receiver.received[0]?.body).toBe(JSON.stringify(event))
  expect((await operator.get(`/api/quarantine/${id}`)).status).toBe(404)
  expect((await operator.post(`/api/quarantine/${id}/retry`)).status).toBe(404)
  expect((await operator.get(`/api/events/${event.event_id}`)).body).toMatchObject({
    message_id: 'msg_aside',
    source: 'webhook',
  })
})

test('judged again, one that has come meanwhile is a duplicate, and one of no wanted type is ignored', async () => {
  const event = { ...credentialEvent(), event_type: 'access_code.set' }
  const { id, DATABASE_URL } = await setAsideBefore(event)
  const relay = await startRelay({ DATABASE_URL, ACCEPT_EVENT_TYPES: 'access_code.*' })
  await relay.send(event)
  const operator = await operatorOf(relay.app)
  expect((await operator.post(`/api/quarantine/${id}/retry`)).body).toMatchObject({ status: 'duplicate' })
  expect((await operator.get('/api/quarantine')).body['items']).toEqual([])

  const other = await setAsideBefore({ ...credentialEvent(), event_type: 'access_code.set' })
  const strict = await startRelay({ DATABASE_URL: other.DATABASE_URL })
  const strictOperator = await operatorOf(strict.app)
  expect((await strictOperator.post(`/api/quarantine/${other.id}/retry`)).body).toMatchObject({
    status: 'ignored',
    event_id: null,
  })
  expect((await strictOperator.get('/api/quarantine')).body['items']).toEqual([])
})

test('a second content under a known id stays, however often it is judged', async () => {
  const relay = await startRelay()
  const event = credentialEvent()
  await relay.send(event)
  const id = await setAside(relay, { ...event, connected_account_id: randomUUID() })
  const operator = await operatorOf(relay.app)
  for (let times = 0; times < 2; times++) {
    const { body } = await operator.post(`/api/quarantine/${id}/retry`)
    expect(body).toMatchObject({ status: 'quarantined', event_id: null })
    expect(body['problems'].length).toBeGreaterThan(0)
  }
  expect((await operator.get('/api/quarantine')).body['items'].map((one: Json) => one.id)).toEqual([id])
})

test('a dropped body is gone', async () => {
  const relay = await startRelay()
  const id = await setAside(relay, 'nothing')
  const operator = await operatorOf(relay.app)
  expect((await operator.remove(`/api/quarantine/${id}`)).body).toEqual({ dropped: true })
  expect((await operator.remove(`/api/quarantine/${id}`)).body).toEqual({ dropped: false })
  expect((await operator.get(`/api/quarantine/${id}`)).status).toBe(404)
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([
    { action: 'drop_quarantined', target: id },
  ])
})

async function setAside(relay: Relay, body: unknown): Promise<string> {
  const answer = await relay.send(body)
  expect(answer.body['status']).toBe('quarantined')
  return answer.body['id'] as string
}

/** Puts a body that is an event by today's schemas into quarantine, as an earlier version with other schemas did. */
async function setAsideBefore(event: object): Promise<{ id: string; DATABASE_URL: string }> {
  const relay = await startRelay()
  const { quarantineId } = await relay.app.store.quarantine({
    messageId: 'msg_aside',
    bytes: Buffer.from(JSON.stringify(event)),
    problems: [{ path: '/event_type', message: 'must be another' }],
  })
  await relay.app.stop()
  return { id: quarantineId, DATABASE_URL: `sqlite:${relay.databasePath}` }
}

test('a conflict that is judged again is not announced a second time', async () => {
  const relay = await startRelay()
  const event = credentialEvent()
  await relay.send(event)
  const { body } = await relay.send({ ...event, occurred_at: '2026-01-01T00:00:00Z' })
  const announced = () => relay.logLines.filter(({ msg }) => msg === 'quarantined').length
  expect(announced()).toBe(1)
  const operator = await operatorOf(relay.app)
  const judged = await operator.post(`/api/quarantine/${body['id'] as string}/retry`)
  expect(judged.body).toMatchObject({ status: 'quarantined' })
  expect(announced()).toBe(1)
})
