import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Call } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

// Every call that the OpenAPI document has, so that none is forgotten.

const TOKENS = { OPERATOR_TOKEN: 'correct horse', OPERATOR_READ_TOKEN: 'battery staple' }
/** Bodies that would do something, if nothing else were in them. */
const BODIES: Record<string, object> = {
  'POST /session': { token: TOKENS.OPERATOR_TOKEN },
  'POST /api/replay': {},
  'POST /api/discard': { hook: 'gone' },
  'POST /api/dismiss': { hook: 'one' },
  'POST /api/hooks/{name}/pause': { reason: 'a test' },
  'POST /api/reconcile': { since: '2026-01-01T00:00:00Z' },
}

test('no call takes a query parameter or a field that it does not know, and nothing is done', async () => {
  const { relay, quarantineId } = await relayWithSomethingToDo()
  const operator = await operatorOf(relay.app, TOKENS.OPERATOR_TOKEN)
  const before = await everything(relay)
  expect(operator.calls.length).toBeGreaterThan(20)
  for (const call of operator.calls) {
    const path = pathOf(call, quarantineId)
    const body = bodyOf(call)
    const withQuery = await answerTo(relay, call, `${path}?statez=dead${requiredQuery(call)}`, body)
    expect([call.path, ...withQuery]).toEqual([
      call.path,
      400,
      'request_invalid',
      expect.stringContaining('statez'),
    ])
    const [status, code] = await answerTo(relay, call, path, { ...body, statez: ['dead'] })
    expect([call.path, status, code]).toEqual([call.path, 400, 'request_invalid'])
  }
  expect(await everything(relay)).toEqual(before)
})

test('with the read token no call changes anything, and each that only reads is answered', async () => {
  const { relay, quarantineId } = await relayWithSomethingToDo()
  const operator = await operatorOf(relay.app, TOKENS.OPERATOR_READ_TOKEN)
  const before = await everything(relay)
  const calls = operator.calls.filter(({ path }) => path !== '/session' && path !== '/api/stream')
  const answerOf = (call: Call) =>
    answerTo(relay, call, pathOf(call, quarantineId), bodyOf(call), TOKENS.OPERATOR_READ_TOKEN)
  for (const call of calls.filter(({ method }) => method === 'GET')) {
    const [status] = await answerOf(call)
    // 404 where the id is a random one, 400 where a query parameter is required.
    expect([call.path, status]).toEqual([call.path, expect.toBeOneOf([200, 400, 404])])
  }
  for (const call of calls.filter(({ method }) => method !== 'GET')) {
    const [status, code] = await answerOf(call)
    expect([call.method, call.path, status, code]).toEqual([call.method, call.path, 403, 'read_only'])
  }
  expect(await everything(relay)).toEqual(before)
})

test('no call is done for another site, or without a token', async () => {
  const { relay, quarantineId } = await relayWithSomethingToDo()
  const operator = await operatorOf(relay.app, TOKENS.OPERATOR_TOKEN)
  const before = await everything(relay)
  for (const call of operator.calls) {
    const path = pathOf(call, quarantineId)
    const body = bodyOf(call)
    const [site, siteCode] = await answerTo(relay, call, path, body, TOKENS.OPERATOR_TOKEN, {
      'sec-fetch-site': 'same-site',
    })
    expect([call.path, site, siteCode]).toEqual([call.path, 403, 'cross_site'])
    if (call.path === '/session') continue
    for (const token of ['', 'wrong']) {
      const [status, code] = await answerTo(relay, call, path, body, token, {}, randomAddress())
      expect([call.path, status, code]).toEqual([call.path, 401, 'token_missing'])
    }
  }
  expect(await everything(relay)).toEqual(before)
})

test('ids and values of any form are answered with a problem at the worst, never with a bug', async () => {
  const { relay } = await relayWithSomethingToDo()
  const operator = await operatorOf(relay.app, TOKENS.OPERATOR_TOKEN)
  const odd = [
    '%00',
    '%ff',
    "'",
    '..%2f..',
    'x'.repeat(201),
    '%F0%9F%94%91',
    '__proto__',
    '-1',
    '1e999',
    '%3Cscript%3E',
  ]
  for (const call of operator.calls.filter(
    ({ path, method }) => method === 'GET' && path !== '/api/stream',
  )) {
    for (const value of odd) {
      const path = call.path.replaceAll(/\{\w+\}/g, value)
      const query = call.query.map(({ name }) => `${name}=${value}`)
      for (const url of [path, ...query.map((one) => `${path}?${one}${requiredQuery(call)}`)]) {
        const { status, body } = await operator
          .get(url)
          .catch((error: unknown) => Promise.reject(new Error(`${url}: ${String(error)}`)))
        expect([url, status, body['code']]).toEqual([
          url,
          expect.toSatisfy((one: number) => one < 500),
          body['code'],
        ])
      }
    }
  }
  expect(relay.logLines.filter(({ msg }) => msg === 'a call failed')).toEqual([])
})

/** Dead letters, an old hook's pending delivery, and a quarantined body: something for each changing call. */
async function relayWithSomethingToDo(): Promise<{ relay: Relay; quarantineId: string }> {
  const receiver = await startReceiver(410)
  const relay = await startRelay({ ...hookTo(receiver), ...TOKENS })
  for (let count = 0; count < 3; count++) await relay.send(credentialEvent())
  const { body } = await relay.send({ ...credentialEvent(), acs_credential_id: 'none' })
  await until('all to be dead', async () => (await relay.app.countReplay({})) === 3)
  return { relay, quarantineId: body['id'] as string }
}

/** What the calls could change. */
async function everything({ app }: Relay) {
  const page = { limit: 100 }
  return {
    deliveries: (await app.reader.listDeliveries(page)).items,
    quarantine: (await app.reader.listQuarantine(page)).items,
    replays: await app.listReplays(100),
    pauses: await app.reader.pauses(),
    actions: (await app.reader.listActions(page)).items,
  }
}

function bodyOf({ method, path }: Call): object {
  return BODIES[`${method} ${path}`] ?? {}
}

function pathOf({ path }: Call, quarantineId: string): string {
  if (path.startsWith('/api/quarantine/')) return path.replace('{id}', quarantineId)
  return path.replace('{name}', 'one').replaceAll(/\{\w+\}/g, randomUUID())
}

function requiredQuery({ query }: Call): string {
  return query.map(({ name, required }) => (required === true ? `&${name}=x` : '')).join('')
}

async function answerTo(
  { app }: Relay,
  { method }: Call,
  url: string,
  payload: object,
  token: string = TOKENS.OPERATOR_TOKEN,
  headers: Record<string, string> = {},
  remoteAddress = '127.0.0.1',
): Promise<[number, string | undefined, string | undefined]> {
  const hasBody = method !== 'GET' || Object.keys(payload).length > 0
  const answer = await app.operatorListener.inject({
    method,
    url,
    remoteAddress,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(hasBody ? { payload } : {}),
  })
  const { code, detail } = answer.json<{ code?: string; detail?: string }>()
  return [answer.statusCode, code, detail]
}

function randomAddress(): string {
  return `10.${Array.from({ length: 3 }, () => Math.floor(Math.random() * 256)).join('.')}`
}
