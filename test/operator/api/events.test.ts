import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Json, Operator } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

const ALL = { ACCEPT_EVENT_TYPES: '*' }

test('events are listed newest first, each with the states of its deliveries', async () => {
  const relay = await startRelay(hookTo(await startReceiver()))
  const events = [credentialEvent(), credentialEvent({ event_type: 'acs_credential.deleted' })]
  for (const event of events) await relay.send(event)
  const operator = await operatorOf(relay.app)
  const items = await until('both to be delivered', async () => {
    const { body } = await operator.get('/api/events')
    return body['items'].every((one: Json) => one.deliveries[0]?.state === 'delivered') ? body['items'] : null
  })
  expect(items.map((one: Json) => one.event_id)).toEqual([events[1]?.event_id, events[0]?.event_id])
  expect(items[0]).toMatchObject({
    event_type: 'acs_credential.deleted',
    credential_id: events[1]?.acs_credential_id,
    occurred_at: '2026-03-01T09:59:59.123456Z',
    source: 'webhook',
    is_sample: false,
    duplicates: 0,
    deliveries: [{ hook: 'one', attempts: 1, code: null }],
  })
})

test('filters narrow the list, whatever case an id comes in', async () => {
  const relay = await startRelay(ALL)
  const one = credentialEvent()
  const other = { ...credentialEvent(), event_type: 'device.connected', workspace_id: randomUUID() }
  for (const event of [one, other]) await relay.send(event)
  const operator = await operatorOf(relay.app)
  const idsOf = async (query: string) =>
    (await operator.get(`/api/events?${query}`)).body['items'].map((item: Json) => item.event_id)
  expect(await idsOf('type=acs_credential.*')).toEqual([one.event_id])
  expect(await idsOf('type=device.connected')).toEqual([other.event_id])
  expect(await idsOf(`credential=${one.acs_credential_id.toUpperCase()}`)).toEqual([one.event_id])
  expect(await idsOf(`workspace=${other.workspace_id.toUpperCase()}`)).toEqual([other.event_id])
  expect(await idsOf('until=2000-01-01T00:00:00Z')).toEqual([])
  expect(await idsOf('since=2000-01-01T00:00:00Z')).toHaveLength(2)
})

test('pages follow one another without a repetition or a gap while events come in', async () => {
  const relay = await startRelay()
  const sent: string[] = []
  const send = async () => {
    const event = credentialEvent()
    await relay.send(event)
    sent.push(event.event_id)
  }
  for (let count = 0; count < 23; count++) await send()
  const operator = await operatorOf(relay.app)
  const first = [...sent].reverse()
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { body } = await operator.get(`/api/events?limit=5${after}`)
    seen.push(...body['items'].map((item: Json) => item.event_id))
    cursor = body['cursor']
    await send()
  }
  expect(seen).toEqual(first)
})

test('a list that is asked for wrongly is refused', async () => {
  const relay = await startRelay()
  const operator = await operatorOf(relay.app)
  for (const query of [
    'cursor=nonsense',
    'cursor=',
    'limit=0',
    'limit=501',
    'limit=5.5',
    'limit=',
    'since=yesterday',
    'since=2026-02-30T00:00:00Z',
    'since=2026-02-02T00:00:00Z&until=2026-02-01T00:00:00Z',
    'type=a&type=b',
    'reveal=true',
  ]) {
    const { status, body } = await operator.get(`/api/events?${query}`)
    expect([query, status, body['code']]).toEqual([query, 400, 'request_invalid'])
  }
})

test('an event comes with its payload as it was sent, and every attempt', async () => {
  const receiver = await startReceiver((_request, response) => {
    response.writeHead(receiver.received.length === 1 ? 503 : 204).end()
  })
  const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 10 } }))
  const event = credentialEvent({ big: 1 })
  const text = JSON.stringify(event).replace('"big":1', '"big":12345678901234567890.10')
  await relay.send(text)
  const operator = await operatorOf(relay.app)
  const answer = await until('it to be delivered', async () => {
    const one = await operator.get(`/api/events/${event.event_id.toUpperCase()}`)
    return one.body['deliveries'][0].state === 'delivered' ? one : null
  })
  expect(answer.text).toContain(`"payload":${text}`)
  expect(answer.body['deliveries'][0]).toMatchObject({
    attempts: 2,
    records: [
      { attempt: 1, status: 503, code: 'http_status' },
      { attempt: 2, status: 204, code: null },
    ],
  })
  expect(answer.body['deliveries'][0].delivered_after_ms).toBeGreaterThanOrEqual(0)
  expect(await operator.get(`/api/events/${randomUUID()}`)).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  })
})

test('a PIN shows only to somebody who asks for it, which the action log keeps', async () => {
  const relay = await startRelay(ALL)
  const event = {
    ...credentialEvent(),
    event_type: 'access_code.changed',
    code: '70417382',
    from: { code: '70417383' },
    to: { value: 70417384 },
    data: [{ code: '70417385' }],
  }
  await relay.send(event)
  const operator = await operatorOf(relay.app)
  const url = `/api/events/${event.event_id}`
  const masked = await operator.get(url)
  expect(masked.text).not.toContain('7041738')
  expect(masked.body['masked']).toEqual(['/code', '/from/code', '/to/value', '/data/0/code'])
  expect(masked.body['payload']).toMatchObject({ code: '****', from: { code: '****' } })
  expect(await actionsOf(operator)).toEqual([])
  expect((await operator.get(`${url}?reveal=false`)).text).not.toContain('7041738')
  const revealed = await operator.get(`${url}?reveal=true`)
  expect(revealed.body).toMatchObject({ masked: [], payload: event })
  expect(await actionsOf(operator)).toMatchObject([
    { actor: 'loopback', action: 'reveal', target: event.event_id },
  ])
  for (const path of [
    '/api/events',
    `/api/credentials/${event.acs_credential_id}`,
    `/api/search?q=${event.event_id}`,
    '/api/deliveries',
    '/api/actions',
  ]) {
    expect((await operator.get(path)).text).not.toContain('7041738')
  }
  expect(JSON.stringify(relay.logLines)).not.toContain('7041738')
})

test('a PIN that a hook sends back in its answer is masked as well', async () => {
  const receiver = await startReceiver((_request, response) => {
    response
      .writeHead(410, { 'content-type': 'application/json' })
      .end('{"got":{"code":"70417382"}} and code=70417382')
  })
  const relay = await startRelay({ ...hookTo(receiver), ...ALL })
  const event = credentialEvent({ code: '70417382' })
  await relay.send(event)
  const operator = await operatorOf(relay.app)
  const answer = await until('it to be dead', async () => {
    const one = await operator.get(`/api/events/${event.event_id}`)
    return one.body['deliveries'][0].state === 'dead' ? one : null
  })
  expect(answer.text).not.toContain('70417382')
  expect(answer.body['deliveries'][0].records[0].answer).toContain('****')
})

test("a credential's story has its events in the order in which they occurred, and who knows what since when", async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  const id = randomUUID()
  const at = (second: number) => ({
    occurred_at: new Date(Date.now() - 60_000 + second * 1000).toISOString(),
  })
  const deleted = credentialEvent({ acs_credential_id: id, event_type: 'acs_credential.deleted', ...at(2) })
  const issued = credentialEvent({ acs_credential_id: id, ...at(1) })
  for (const event of [deleted, issued]) await relay.send(event)
  const operator = await operatorOf(relay.app)
  const { body } = await until('both to be delivered', async () => {
    const one = await operator.get(`/api/credentials/${id.toUpperCase()}`)
    return one.body['known_to']?.[0]?.missing === 0 && one.body['events'].length === 2 ? one : null
  })
  expect(body).toMatchObject({ credential_id: id, is_complete: true })
  expect(body['events'].map((event: Json) => event.event_id)).toEqual([issued.event_id, deleted.event_id])
  const [known] = body['known_to']
  expect(known).toMatchObject({
    hook: 'one',
    event_id: deleted.event_id,
    event_type: 'acs_credential.deleted',
  })
  expect(Date.parse(known.known_since) - Date.parse(deleted.occurred_at)).toBe(known.after_seam_ms)
  expect((await operator.get(`/api/credentials/${randomUUID()}`)).status).toBe(404)
})

test('search leads from any id to where the page shows it', async () => {
  const relay = await startRelay(hookTo(await startReceiver()))
  const event = credentialEvent()
  await relay.send(event, { messageId: 'msg_2xyz' })
  const { body } = await relay.send('{"misfit":true}')
  const operator = await operatorOf(relay.app)
  const hrefs = async (q: string) =>
    (await operator.get(`/api/search?q=${encodeURIComponent(q)}`)).body['items'].map(
      (item: Json) => item.href,
    )
  expect(await hrefs(` ${event.event_id} `)).toEqual([`#/events/${event.event_id}`])
  expect(await hrefs('msg_2xyz')).toEqual([`#/events/${event.event_id}`])
  expect(await hrefs(event.acs_credential_id)).toEqual([`#/credentials/${event.acs_credential_id}`])
  expect(await hrefs(event.workspace_id)).toEqual([`#/events?workspace=${event.workspace_id}`])
  expect(await hrefs(body['id'] as string)).toEqual([`#/quarantine/${body['id'] as string}`])
  expect(await hrefs('<script>')).toEqual([])
  expect((await operator.get('/api/search?q=')).status).toBe(400)
  expect((await operator.get('/api/search')).status).toBe(400)
})

async function actionsOf(operator: Operator): Promise<object[]> {
  return (await operator.get('/api/actions')).body['items']
}

test('of an access system and an account, the search says which hooks filter by them', async () => {
  const receiver = await startReceiver()
  const event = credentialEvent()
  const { acs_system_id: system, connected_account_id: account } = event as unknown as Record<string, string>
  const relay = await startRelay(hookTo(receiver, { systems: [system] }))
  await relay.send(event)
  const operator = await operatorOf(relay.app)
  for (const [id, text] of [
    [system, 'an access system; filtered by: one'],
    [account, 'a connected account; no hook filters by it'],
  ] as const) {
    const { items } = (await operator.get(`/api/search?q=${id}`)).body
    expect(items.map((one: Json) => one.text)).toContain(text)
  }
})
