import { Webhook } from 'svix'
import { expect, test } from 'vitest'
import { SAMPLE_EVENT_ID } from '../../../src/events/event.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import type { Received } from '../../support/receiver.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Json } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import { newSecret } from '../../support/signed-webhook.ts'

test('hooks are listed with their health, and no secret, header or query of their address', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay({
    HOOKS: JSON.stringify([
      { name: 'one', url: `${receiver.url}?key=hidden-1`, headers: { 'x-key': 'hidden-2' } },
    ]),
  })
  const { body, text } = await (await operatorOf(relay.app)).get('/api/hooks')
  expect(body['items']).toMatchObject([
    {
      hook: 'one',
      is_configured: true,
      url: receiver.url,
      breaker: 'closed',
      pause: null,
      pending: 0,
      dead: 0,
    },
  ])
  expect(text).not.toContain('hidden')
})

test('a pause says who, when and why, the first one stays, and it is resumed', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay({ ...hookTo(receiver), OPERATOR_TOKEN: 'correct horse' })
  const operator = await operatorOf(relay.app, 'correct horse')
  const pause = await operator.post('/api/hooks/one/pause', { reason: 'its database is moved' })
  expect(pause.body).toMatchObject({ paused_by: 'operator', reason: 'its database is moved' })
  expect((await operator.post('/api/hooks/one/pause', { reason: 'another' })).body).toEqual(pause.body)
  expect((await relay.app.reader.pauses()).map(({ hook }) => hook)).toEqual(['one'])
  expect((await operator.get('/api/hooks')).body['items'][0].pause).toEqual(pause.body)
  expect((await operator.post('/api/hooks/one/resume')).body).toEqual({ resumed: true })
  expect((await operator.get('/api/hooks')).body['items'][0].pause).toBeNull()
  expect((await operator.post('/api/hooks/one/resume')).body).toEqual({ resumed: false })
  expect((await operator.get('/api/actions')).body['items'].map((one: Json) => one.action)).toEqual([
    'resume_hook',
    'resume_hook',
    'pause_hook',
    'pause_hook',
  ])
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
})

test('a hook that is not configured can be neither paused, resumed nor tested; one that was paused can be resumed', async () => {
  const relay = await startRelay(hookTo(await startReceiver()))
  const operator = await operatorOf(relay.app)
  for (const [action, body] of [
    ['pause', { reason: 'x' }],
    ['resume', {}],
    ['test', {}],
  ] as const) {
    const answer = await operator.post(`/api/hooks/nobody/${action}`, body)
    expect([action, answer.status, answer.body['code']]).toEqual([action, 404, 'not_found'])
  }
  await operator.post('/api/hooks/one/pause', { reason: 'x' })
  relay.app.setHooks([])
  expect((await operator.post('/api/hooks/one/resume')).body).toEqual({ resumed: true })
})

test('a test sends a signed sample to that hook alone, stores nothing, and tells what the hook answered', async () => {
  const [tested, other] = [await startReceiver(), await startReceiver()]
  const secret = newSecret()
  const relay = await startRelay({
    HOOKS: JSON.stringify([
      { name: 'tested', url: tested.url, secrets: [secret], events: ['acs_credential.deleted'] },
      { name: 'other', url: other.url },
    ]),
  })
  const operator = await operatorOf(relay.app)
  const { body } = await operator.post('/api/hooks/tested/test')
  expect(body).toMatchObject({ delivered: true, status: 204, code: null, answer: null })
  const [received] = await tested.hasReceived(1)
  const { headers, body: sent } = received as Received
  expect(headers['webhook-id']).toBe(body['webhook_id'])
  new Webhook(secret).verify(sent, headers as Record<string, string>)
  expect(JSON.parse(sent)).toMatchObject({ event_type: 'acs_credential.deleted', event_id: SAMPLE_EVENT_ID })
  expect(other.received).toEqual([])
  expect((await operator.get('/api/events')).body['items']).toEqual([])
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([
    { action: 'test_hook', target: 'tested', about: { delivered: true, status: 204 } },
  ])

  tested.behaviour = (_request, response) => response.writeHead(500).end('<b>no</b>')
  expect((await operator.post('/api/hooks/tested/test')).body).toMatchObject({
    delivered: false,
    status: 500,
    code: 'http_status',
    answer: '<b>no</b>',
  })
  await tested.stop()
  expect((await operator.post('/api/hooks/tested/test')).body).toMatchObject({
    delivered: false,
    status: null,
    code: 'connection_refused',
  })
})

test.each([{}, { reason: '' }, { reason: ' \t\n' }, { reason: 'x'.repeat(501) }, { reason: 5 }])(
  'a pause with %j is refused',
  async (body) => {
    const relay = await startRelay(hookTo(await startReceiver()))
    expect((await (await operatorOf(relay.app)).post('/api/hooks/one/pause', body)).status).toBe(400)
    expect(await relay.app.reader.pauses()).toEqual([])
  },
)
