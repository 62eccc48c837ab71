import fc from 'fast-check'
import { once } from 'node:events'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { happen } from '../../support/activity.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Operator } from '../../support/operator-call.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

// Whatever comes, the answer is one that the OpenAPI document describes (`operatorOf` holds it to that), or a problem with a code.

const LISTS = ['/api/events', '/api/deliveries', '/api/quarantine', '/api/actions']

/** As it may stand in a URL: values that mean something somewhere, and such as mean nothing anywhere. */
const queryValue = fc.oneof(
  fc.constantFrom('', '0', '1', '500', '501', '-1', '1e3', '0x10', '1.5', 'NaN', 'true', 'null', '%00', '%'),
  fc.constantFrom('%zz', '%ff%fe', '%ed%a0%80', 'a%20b', '+', '*', '[]', '{}', "'--", '__proto__', '..%2f'),
  fc.constantFrom('2026-02-30T00:00:00Z', '2026-03-01T10:00:00Z', '9999-12-31T23:59:60Z', '+275760-09-13'),
  fc.constantFrom('dead', 'pending', 'one', 'acs_credential.*', 'acs_credential.issued', '1m', '1h', '1d'),
  fc.string({ unit: 'binary', maxLength: 30 }).map(encodeURIComponent),
  fc.uuid(),
)

test('whatever is in a query, the answer is described or says what is wrong with the query', async () => {
  const relay = await relayWithEverything()
  const operator = await operatorOf(relay.app)
  const calls = operator.calls.filter(({ method, path }) => method === 'GET' && path !== '/api/stream')
  const names = [...new Set(calls.flatMap(({ query }) => query.map(({ name }) => name)))]
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: queryValue },
  )
  const separator = fc.constantFrom('&', '&', '&', '&&', ';', '?')
  const parts = fc.array(fc.tuple(name, fc.constantFrom('=', '=', '=', '==', ''), queryValue, separator), {
    maxLength: 5,
  })
  const statuses = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...calls), queryValue, parts, async ({ path }, id, query) => {
      const url = path.replaceAll(/\{\w+\}/g, id === '' ? 'x' : id.replaceAll('?', 'x'))
      statuses.add(await statusOf(operator, `${url}?${query.flat().join('')}`))
    }),
    { numRuns: 1500 },
  )
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 400, 404])
  expectNoBug(relay)
}, 120_000)

test('whatever is in a cursor, it goes on in its own list or is refused', async () => {
  const relay = await relayWithEverything()
  const operator = await operatorOf(relay.app)
  const genuine: string[] = []
  for (const list of LISTS) {
    const { cursor } = (await operator.get(`${list}?limit=1`)).body
    if (typeof cursor === 'string') genuine.push(cursor)
  }
  expect(genuine.length).toBeGreaterThanOrEqual(3)
  const changed = fc
    .tuple(fc.constantFrom(...genuine), fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(3))
    .map(([cursor, at, text, removed]) => {
      const index = at % (cursor.length + 1)
      return cursor.slice(0, index) + text + cursor.slice(index + removed)
    })
  const made = fc
    .tuple(fc.constantFrom('events', 'deliveries', 'quarantine', 'actions', 'x'), fc.array(fc.double()))
    .map(([list, numbers]) => Buffer.from(`1 ${list} ${numbers.join(' ')}`).toString('base64url'))
  const cursors = fc.oneof(fc.constantFrom(...genuine), changed, made, fc.string({ unit: 'binary' }))
  const statuses = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LISTS), cursors.filter(isWellFormed), async (list, cursor) => {
      statuses.add(await statusOf(operator, `${list}?cursor=${encodeURIComponent(cursor)}`))
    }),
    { numRuns: 1500 },
  )
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 400])
  expectNoBug(relay)
}, 120_000)

test('whatever Last-Event-ID says, the stream goes on from there or says that there is a gap', async () => {
  const relay = await startRelay()
  await happen(relay, 'a')
  const text = fc
    .string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 })
    // What a client can send in a header.
    .filter((one) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(one))
  const ids = fc.oneof(
    text,
    fc.integer().map(String),
    fc.bigInt().map(String),
    fc.double().map(String),
    fc.constantFrom('0', '00', '0x1', '1e0', '9007199254740993', '999999999999999', '1,1', "0'--"),
  )
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const answer = await beginningOf(relay, id)
      // Only a number can be one of its own, and one that is not too great is answered with what came since.
      const goesOn = /^\d{1,15}$/.test(id) && Number(id) <= 1
      expect([id, answer.includes('event: gap')]).toEqual([id, !goesOn])
    }),
    { numRuns: 60 },
  )
  expectNoBug(relay)
}, 120_000)

test('whatever was set aside is shown with its PINs masked, is judged again, and dropped', async () => {
  const relay = await startRelay({ ACCEPT_EVENT_TYPES: '*' })
  const operator = await operatorOf(relay.app)
  const pin = '70417382'
  const misfit = { ...credentialEvent(), acs_credential_id: 5, code: pin }
  const bodies = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.jsonValue({ maxDepth: 4 }).map((value) => Buffer.from(JSON.stringify({ value, code: [value, pin] }))),
    fc.nat().map((length) => Buffer.from(JSON.stringify(misfit)).subarray(0, 1 + (length % 300))),
    fc.integer({ min: 1, max: 3000 }).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
    fc.integer({ min: 1, max: 3000 }).map((depth) => Buffer.from('{"a":'.repeat(depth) + '1')),
  )
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const answer = (await relay.send(body)).body
      // A body may happen to be the sender's ping.
      fc.pre(answer['status'] === 'quarantined')
      const url = `/api/quarantine/${answer['id'] as string}`
      const shown = await operator.get(url)
      expect(shown.status).toBe(200)
      expect(shown.text).not.toContain(pin)
      const revealed = await operator.get(`${url}?reveal=true`)
      expect(revealed.body['body']).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(body))
      expect((await operator.post(`${url}/retry`)).body).toMatchObject({ status: 'quarantined' })
      expect((await operator.remove(url)).body).toEqual({ dropped: true })
    }),
    { numRuns: 200 },
  )
  expectNoBug(relay)
}, 120_000)

/** Something in every list. */
async function relayWithEverything(): Promise<Relay> {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver))
  for (let count = 0; count < 3; count++) {
    await relay.send(credentialEvent())
    await relay.send({ ...credentialEvent(), acs_credential_id: count })
  }
  const operator = await operatorOf(relay.app)
  await until('all to be dead', async () => (await relay.app.countReplay({ states: ['dead'] })) === 3)
  for (let count = 0; count < 2; count++) await operator.post('/api/hooks/one/test')
  return relay
}

/** @throws if the answer is a bug, or one that is not described, or a refusal without a code */
async function statusOf(operator: Operator, url: string): Promise<number> {
  const { status } = await operator
    .get(url)
    .catch((error: unknown) => Promise.reject(new Error(`${url}: ${String(error)}`, { cause: error })))
  expect([url, status]).toEqual([url, expect.toSatisfy((one: number) => one < 500)])
  return status
}

function expectNoBug({ logLines }: Relay): void {
  expect(logLines.filter(({ msg }) => msg === 'a call failed')).toEqual([])
}

/** Until the stream has said what it goes on from, which is at least a gap or the one thing that happened. */
async function beginningOf({ operatorUrl }: Relay, lastEventId: string): Promise<string> {
  const headers = { 'last-event-id': lastEventId }
  const request = get(`${operatorUrl}/api/stream`, { headers, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  expect([lastEventId, response.statusCode]).toEqual([lastEventId, 200])
  let text = ''
  response.on('data', (chunk: Buffer) => (text += chunk.toString()))
  response.on('error', () => {})
  // After the last row one can only wait; a stream that goes on from there begins with nothing but `retry`.
  await until('the beginning', () => /gap|"id":"a"/.test(text) || (/^0*1$/.test(lastEventId) && text !== ''))
  response.destroy()
  return text
}

function isWellFormed(text: string): boolean {
  try {
    decodeURIComponent(encodeURIComponent(text))
    return true
  } catch {
    return false
  }
}
