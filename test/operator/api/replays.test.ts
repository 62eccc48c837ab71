import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { credentialEvent, credentialEvents } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Json } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import { newSecret } from '../../support/signed-webhook.ts'
import { until } from '../../support/until.ts'

test('failures are grouped, and a group is counted, replayed, followed to its end, and kept in the action log', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay({ ...hookTo(receiver), OPERATOR_TOKEN: 'correct horse' })
  for (const event of credentialEvents(5)) await relay.send(event)
  const operator = await operatorOf(relay.app, 'correct horse')
  const [group] = await until('all to be dead', async () => {
    const { items } = (await operator.get('/api/failures')).body
    return items[0]?.dead === 5 ? items : null
  })
  expect(group).toMatchObject({
    hook: 'one',
    code: 'gone',
    pending: 0,
    is_complete: true,
    is_configured: true,
  })
  expect(group.text).toBe(
    'one: it answered 410: it wants this no more. If that is a mistake, mend the receiver. Then replay the dead letters.',
  )
  const listed = (await operator.get('/api/deliveries?state=dead&hook=one&code=gone')).body['items']
  expect(listed).toHaveLength(5)
  expect(listed[0]).toMatchObject({ state: 'dead', attempts: 1, code: 'gone', due_at: null })

  receiver.behaviour = 204
  const asked = { hook: 'one', code: 'gone' }
  const dry = await operator.post('/api/replay', { ...asked, dry_run: true })
  expect([dry.status, dry.body]).toEqual([200, { would_replay: 5 }])
  expect((await operator.get('/api/replays')).body).toEqual({ items: [] })
  expect((await operator.get('/api/actions')).body['items']).toEqual([])

  const begun = await operator.post('/api/replay', asked)
  expect([begun.status, begun.body['would_replay']]).toEqual([202, 5])
  const id = begun.body['id'] as string
  const ended = await until('the replay to end', async () => {
    const { body } = await operator.get(`/api/replays/${id}`)
    return body['state'] === 'finished' ? body : null
  })
  expect(ended).toMatchObject({ replayed: 5, scope: { hook: 'one', code: 'gone' }, error: null })
  await receiver.hasReceived(10)
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([
    {
      actor: 'operator',
      action: 'replay',
      target: 'one',
      about: { code: 'gone', replay: id, would_replay: 5 },
    },
  ])
})

test('a replay that goes slowly is cancelled by its id', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver))
  for (const event of credentialEvents(10)) await relay.send(event)
  await until('all to be dead', async () => (await relay.app.countReplay({})) === 10)
  const operator = await operatorOf(relay.app)
  const { id } = (await operator.post('/api/replay', { per_second: 1 })).body
  expect((await operator.remove(`/api/replays/${id}`)).body).toMatchObject({
    state: 'cancelled',
    per_second: 1,
  })
  expect((await operator.get('/api/actions')).body['items'].map((one: Json) => one.action)).toEqual([
    'cancel_replay',
    'replay',
  ])
  for (const answer of [
    await operator.get(`/api/replays/${randomUUID()}`),
    await operator.remove(`/api/replays/${randomUUID()}`),
  ])
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
})

test('only the named events are replayed, in whatever case and span they are asked for', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const events = credentialEvents(3)
  for (const event of events) await relay.send(event)
  const operator = await operatorOf(relay.app)
  await until(
    'all to be delivered',
    async () => (await relay.app.countReplay({ states: ['delivered'] })) === 3,
  )
  const event_ids = [events[1]?.event_id.toUpperCase()]
  expect(
    (await operator.post('/api/replay', { event_ids, until: '2000-01-01T00:00:00Z', dry_run: true })).body,
  ).toEqual({ would_replay: 0 })
  const { body } = await operator.post('/api/replay', { event_ids })
  expect(body['would_replay']).toBe(1)
  await receiver.hasReceived(4)
  expect(receiver.ids[3]).toBe(events[1]?.event_id)
  const [job] = (await operator.get('/api/replays')).body['items']
  expect(job.scope).toEqual({ event_ids: [events[1]?.event_id] })
})

test('a hook that was added later is given what was before it', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay()
  await relay.send(credentialEvent())
  const HOOKS = JSON.stringify([{ name: 'late', url: receiver.url }])
  relay.app.setHooks(readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS }).hooks)
  const operator = await operatorOf(relay.app)
  const asked = { hook: 'late', missing: true }
  expect((await operator.post('/api/replay', { ...asked, dry_run: true })).body).toEqual({ would_replay: 1 })
  await operator.post('/api/replay', asked)
  await receiver.hasReceived(1)
  expect((await operator.get('/api/replays')).body['items'][0].scope).toEqual(asked)
  expect((await operator.post('/api/replay', { hook: 'nobody', missing: true })).status).toBe(404)
})

const REFUSED: [unknown, string][] = [
  [{ missing: true }, '"missing" needs the "hook"'],
  [{ missing: true, hook: 'one', states: ['dead'] }, '"missing" and "states"'],
  [{ missing: true, hook: 'one', code: 'gone' }, '"missing" and "code"'],
  [{ since: '2026-02-02T00:00:00Z', until: '2026-02-01T00:00:00Z' }, '"since" has to be before "until"'],
  [{ states: [] }, '"states"'],
  [{ states: ['leased'] }, '"states.0" must be one of dead, delivered, pending'],
  [{ state: ['dead'] }, 'There is no field "state"'],
  [{ hooks: 'one' }, 'There is no field "hooks"'],
  [{ event_ids: [] }, '"event_ids"'],
  [{ per_second: 0 }, '"per_second"'],
  [{ dry_run: 'true' }, '"dry_run" must be boolean'],
  [{ hook: 'No Such Name' }, '"hook"'],
  [[], 'body'],
]

test('a replay that is asked for wrongly is refused, and nothing is replayed', async () => {
  const relay = await startRelay()
  const operator = await operatorOf(relay.app)
  for (const [asked, detail] of REFUSED) {
    const answer = await operator.post('/api/replay', asked as object)
    expect([asked, answer.status, answer.body['code']]).toEqual([asked, 400, 'request_invalid'])
    expect(answer.body['detail']).toContain(detail)
  }
  expect((await operator.get('/api/replays')).body).toEqual({ items: [] })
})

test('a replay without any body is refused: an empty one has to be meant', async () => {
  const relay = await startRelay(hookTo(await startReceiver(410)))
  await relay.send(credentialEvent())
  await until('it to be dead', async () => (await relay.app.countReplay({})) === 1)
  for (const headers of [{}, { 'content-type': 'application/json' }]) {
    const { operatorListener } = relay.app
    const answer = await operatorListener.inject({ method: 'POST', url: '/api/replay', headers })
    expect(answer.json()).toMatchObject({
      code: 'request_invalid',
      detail: 'The body is missing. Nothing was done.',
    })
  }
  expect(await relay.app.listReplays(1)).toEqual([])
})

test('a call without fields needs no body, whatever its content type says', async () => {
  const { app } = await startRelay(hookTo(await startReceiver()))
  const url = '/api/hooks/one/resume'
  for (const headers of [{}, { 'content-type': 'application/json' }])
    expect((await app.operatorListener.inject({ method: 'POST', url, headers })).json()).toEqual({
      resumed: false,
    })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(
    (await app.operatorListener.inject({ method: 'POST', url, headers, payload: 'a=b' })).statusCode,
  ).toBe(400)
})

test('what a removed hook holds is discarded, and what a configured one holds is not', async () => {
  const receiver = await startReceiver(503)
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 60_000 } }))
  for (const event of credentialEvents(3)) await relay.send(event)
  await receiver.hasReceived(3)
  const operator = await operatorOf(relay.app)
  const refused = await operator.post('/api/discard', { hook: 'one' })
  expect([refused.status, refused.body['code']]).toEqual([409, 'still_configured'])
  relay.app.setHooks([])
  await until(
    'its attempts to be settled',
    async () => (await operator.get('/api/failures')).body['items'][0]?.pending === 3,
  )
  const { body } = await operator.post('/api/discard', { hook: 'one' })
  expect(body).toEqual({ discarded: 3 })
  expect((await operator.get('/api/actions')).body['items']).toMatchObject([
    { action: 'discard', target: 'one', about: { discarded: 3 } },
  ])
})

test('dead letters that nobody needs are put aside', async () => {
  const relay = await startRelay(hookTo(await startReceiver(410)))
  for (const event of credentialEvents(2)) await relay.send(event)
  const operator = await operatorOf(relay.app)
  await until('both to be dead', async () => (await relay.app.countReplay({})) === 2)
  expect((await operator.post('/api/dismiss', { hook: 'one', code: 'timeout' })).body).toEqual({
    dismissed: 0,
  })
  expect((await operator.post('/api/dismiss', { hook: 'one', code: 'gone' })).body).toEqual({ dismissed: 2 })
  expect((await operator.get('/api/hooks')).body['items'][0].dead).toBe(0)
})

test('a mistyped hook is told, and a removed one is known by what it holds', async () => {
  const [receiver, failing] = [await startReceiver(), await startReceiver(410)]
  const hooks = [
    { name: 'one', url: receiver.url },
    { name: 'failing', url: failing.url },
  ]
  const relay = await startRelay({ HOOKS: JSON.stringify(hooks) })
  await relay.send(credentialEvent())
  const operator = await operatorOf(relay.app)
  await until('one to be dead', async () => (await relay.app.countReplay({})) === 1)
  await until(
    'one to be delivered',
    async () => (await relay.app.countReplay({ states: ['delivered'] })) === 1,
  )

  const asked = (hook: string) => [
    operator.post('/api/replay', { hook, dry_run: true }),
    operator.post('/api/replay', { hook, states: ['delivered'] }),
    operator.post('/api/dismiss', { hook }),
    operator.post('/api/discard', { hook }),
    operator.get(`/api/deliveries?hook=${hook}`),
    operator.get(`/api/deliveries?hook=${hook}&state=dead&code=gone`),
  ]
  for (const { status, body } of await Promise.all(asked('faling')))
    expect([status, body['code'], body['detail']]).toEqual([
      404,
      'not_found',
      'No hook is configured by the name "faling", and no delivery to one is found. Configured are: one, failing. Nothing was done.',
    ])
  expect((await operator.get('/api/actions')).body['items']).toEqual([])

  relay.app.setHooks([])
  for (const hook of ['one', 'failing'])
    for (const { status } of await Promise.all(asked(hook)))
      expect([hook, status < 300]).toEqual([hook, true])
})

test('the read token may count what a replay would send, and send nothing', async () => {
  const tokens = { OPERATOR_TOKEN: 'correct horse', OPERATOR_READ_TOKEN: 'battery staple' }
  const relay = await startRelay({ ...hookTo(await startReceiver(410)), ...tokens })
  await relay.send(credentialEvent())
  await until('it to be dead', async () => (await relay.app.countReplay({})) === 1)
  const reader = await operatorOf(relay.app, 'battery staple')
  expect(await reader.post('/api/replay', { dry_run: true })).toMatchObject({ body: { would_replay: 1 } })
  for (const body of [{}, { dry_run: false }, { dry_run: 'true' }, { dry_run: 1 }, [{ dry_run: true }]])
    expect([body, (await reader.post('/api/replay', body)).body['code']]).toEqual([body, 'read_only'])
  expect((await reader.post('/api/reconcile', { since: '2026-01-01T00:00:00Z', dry_run: true })).status).toBe(
    403,
  )
  expect(await relay.app.listReplays(1)).toEqual([])
})
