import { expect, onTestFinished, test } from 'vitest'
import { failureText } from '../../src/reconcile/api-failure.ts'
import { SeamApi } from '../../src/reconcile/seam-api.ts'
import { systemClock } from '../../src/time/clock.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { SeamStub } from '../support/seam-stub.ts'
import type { StubAnswer, StubEvent } from '../support/seam-stub.ts'

const KEY = 'seam_key_which_nobody_may_see'
const WORKSPACE = 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10'
const AT = Date.parse('2026-03-01T10:00:00.000Z')
const LIST = { afterMs: AT - 1, beforeMs: AT + 1, eventTypes: null, limit: 500 }

async function open(options: { timeoutMs?: number; maxBytes?: number } = {}) {
  const stub = await SeamStub.start()
  stub.addKey(KEY, WORKSPACE)
  const api = new SeamApi({ url: stub.url, key: KEY, clock: systemClock, ...options })
  onTestFinished(() => api.close())
  return { stub, api }
}

test('events are given as the text that Seam wrote, with what Seam believes the time to be', async () => {
  const { stub, api } = await open()
  stub.clockAheadMs = 3_600_000
  const event = credentialEvent() as unknown as StubEvent
  stub.eventsOf(KEY).push(event)
  const result = await api.listEvents(LIST)
  expect(result).toMatchObject({ ok: true, value: [Buffer.from(JSON.stringify(event))] })
  expect(result.ok && (result.seamNowMs as number) - Date.now()).toBeGreaterThan(3_590_000)
  expect(stub.requests.at(-1)?.body).toEqual({
    between: ['2026-03-01T09:59:59.999Z', '2026-03-01T10:00:00.001Z'],
    limit: 500,
  })
})

test('types, and an offset where there is one, are asked for by their names', async () => {
  const { stub, api } = await open()
  await api.listEvents({ ...LIST, eventTypes: ['acs_credential.issued'], offset: 500 })
  expect(stub.requests.at(-1)?.body).toMatchObject({
    event_types: ['acs_credential.issued'],
    unstable_offset: 500,
  })
})

test('the workspace of a key, and the endpoints that Seam sends to, are found', async () => {
  const { stub, api } = await open()
  stub.webhooksOf(KEY).push(
    {
      webhook_id: 'one',
      url: 'https://relay.example.com/webhooks/seam',
      event_types: ['a.b'],
      secret: 'whsec_x',
    },
    { webhook_id: 'two', url: 'https://other.example.com' },
  )
  expect(await api.findWorkspace()).toMatchObject({
    ok: true,
    value: { workspaceId: WORKSPACE, name: 'a test' },
  })
  expect(await api.listWebhooks()).toMatchObject({
    ok: true,
    value: [
      { url: 'https://relay.example.com/webhooks/seam', eventTypes: ['a.b'], secret: 'whsec_x' },
      { url: 'https://other.example.com', eventTypes: null, secret: null },
    ],
  })
})

test.each<[string, StubAnswer, object]>([
  ['401', { status: 401 }, { code: 'unauthorized', status: 401 }],
  ['403', { status: 403 }, { code: 'unauthorized', status: 403 }],
  [
    '429 with Retry-After',
    { status: 429, headers: { 'retry-after': '7' } },
    { code: 'rate_limited', retryAfterMs: 7000 },
  ],
  ['500', { status: 500 }, { code: 'server_error', status: 500, retryAfterMs: null }],
  [
    '503 with Retry-After',
    { status: 503, headers: { 'retry-after': '2' } },
    { code: 'server_error', retryAfterMs: 2000 },
  ],
  ['400', { status: 400 }, { code: 'refused', status: 400 }],
  [
    'a redirect, which is not followed',
    { status: 302, headers: { location: '/elsewhere' } },
    { code: 'redirect' },
  ],
  ['a page of HTML', { status: 200, body: '<html>' }, { code: 'misfit', status: 200 }],
  ['JSON that is no list', { status: 200, body: '{"events":{}}' }, { code: 'misfit' }],
  ['no JSON at all', { status: 200, body: '' }, { code: 'misfit' }],
  ['204', { status: 204 }, { code: 'misfit' }],
])('%s is a failure that is told, and not thrown', async (_name, answer, failure) => {
  const { stub, api } = await open()
  stub.intercept = () => answer
  expect(await api.listEvents(LIST)).toMatchObject({ ok: false, failure })
  expect(stub.requests).toHaveLength(1)
})

test('an answer that never comes, one that is too large, and a host that is not there are told apart', async () => {
  const { stub, api } = await open({ timeoutMs: 50, maxBytes: 1000 })
  stub.intercept = () => ({})
  expect(await api.listEvents(LIST)).toMatchObject({ ok: false, failure: { code: 'timeout' } })
  stub.intercept = () => ({ status: 200, body: `{"events":["${'x'.repeat(2000)}"]}` })
  expect(await api.listEvents(LIST)).toMatchObject({ ok: false, failure: { code: 'too_large' } })
  await stub.stop()
  expect(await api.listEvents(LIST)).toMatchObject({ ok: false, failure: { code: 'unreachable' } })
})

test('a close ends the question that is under way', async () => {
  const { stub, api } = await open()
  stub.intercept = () => ({})
  const asked = api.listEvents(LIST)
  await api.close()
  expect(await asked).toMatchObject({ ok: false, failure: { code: 'stopped' } })
})

test('no failure holds the key, also where the answer repeats it', async () => {
  const { stub, api } = await open()
  for (const status of [200, 302, 401, 429, 500]) {
    stub.intercept = () => ({ status, body: `{"error":"${KEY}"}` })
    const result = await api.listEvents(LIST)
    expect(result.ok).toBe(false)
    const told = result.ok ? '' : failureText(result.failure.code)
    expect(JSON.stringify({ result, told })).not.toContain(KEY)
  }
})
