import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { credentialEvent, documentedEvents, eventsAsSent } from '../support/credential-event.ts'
import { rawAnswer } from '../support/raw-http.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newMessageId, newSecret, signedWebhook } from '../support/signed-webhook.ts'

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

test.each(eventsAsSent)('an event that shows "$why" is accepted', async ({ event }) => {
  const relay = await startRelay()
  expect(await relay.send(event)).toMatchObject({ status: 202, body: { status: 'accepted' } })
})

test('a credential event of a type that this version does not know is accepted by what all events share', async () => {
  const relay = await startRelay()
  const answer = await relay.send({ ...credentialEvent(), event_type: 'acs_credential.suspended' })
  expect(answer).toMatchObject({ status: 202, body: { status: 'accepted' } })
})

describe('a webhook that cannot be verified', () => {
  const body = JSON.stringify(credentialEvent())

  test.each(['svix-id', 'svix-timestamp', 'svix-signature'])(
    'because %s is missing is refused',
    async (name) => {
      const relay = await startRelay()
      const webhook = signedWebhook(relay.secret, body)
      delete webhook.headers[name]
      const answer = await relay.post(webhook)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(answer.body).toEqual({
        type: 'urn:seam-relay:problem:signature_missing',
        title: expect.any(String),
        status: 401,
        code: 'signature_missing',
        detail: expect.any(String),
      })
    },
  )

  test.each([
    ['svix-timestamp', '1731705121abc'],
    ['svix-timestamp', '-5'],
    ['svix-timestamp', '1e9'],
    ['svix-signature', 'garbage'],
    ['svix-signature', 'v1'],
    ['svix-id', 'two words'],
  ])('because %s is "%s" is refused as malformed', async (name, value) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body)
    webhook.headers[name] = value
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'signature_malformed' } })
  })

  test('because another secret signed it, or its body was changed, is refused', async () => {
    const relay = await startRelay()
    expect(await relay.post(signedWebhook(newSecret(), body))).toMatchObject({
      status: 401,
      body: { code: 'signature_mismatch' },
    })
    expect(await relay.post({ ...signedWebhook(relay.secret, body), body: `${body} ` })).toMatchObject({
      status: 401,
      body: { code: 'signature_mismatch' },
    })
  })

  test('because only a signature of another kind came is refused', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body)
    webhook.headers['svix-signature'] = 'v1a,aGVsbG8='
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'signature_mismatch' } })
  })

  test.each([-310, 310])('because its timestamp is %d seconds off is refused', async (seconds) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body, { at: new Date(Date.now() + seconds * 1000) })
    expect(await relay.post(webhook)).toMatchObject({ status: 401, body: { code: 'timestamp_out_of_range' } })
  })

  test.each([-290, 290])('but one whose timestamp is %d seconds off is taken', async (seconds) => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, body, { at: new Date(Date.now() + seconds * 1000) })
    expect((await relay.post(webhook)).status).toBe(202)
  })
})

describe('the signature headers', () => {
  test('may be named webhook-*, in any case', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
    const renamed = Object.entries(webhook.headers).map(([name, value]) => [
      name.replace('svix-', 'WebHook-'),
      value,
    ])
    expect(
      (await relay.post({ ...webhook, headers: Object.fromEntries(renamed) as Record<string, string> }))
        .status,
    ).toBe(202)
  })

  test('may carry several signatures, of which one fits', async () => {
    const relay = await startRelay()
    const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
    const fitting = webhook.headers['svix-signature']
    webhook.headers['svix-signature'] = `v1a,aGVsbG8= v1,${'A'.repeat(43)}= ${fitting}`
    expect((await relay.post(webhook)).status).toBe(202)
  })

  test('may be made with any of the configured secrets', async () => {
    const secrets = [newSecret(), newSecret(), newSecret()]
    const relay = await startRelay({ SEAM_WEBHOOK_SECRET: secrets.join(', ') })
    for (const secret of secrets) {
      expect((await relay.post(signedWebhook(secret, JSON.stringify(credentialEvent())))).status).toBe(202)
    }
  })
})

describe('size', () => {
  test('over the limit is refused by its content-length, signed or not', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const body = JSON.stringify(credentialEvent({ more: 'x'.repeat(3000) }))
    expect(await relay.post(signedWebhook(relay.secret, body))).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    })
    expect(await relay.post({ headers: {}, body })).toMatchObject({ status: 413 })
  })

  test('over the limit is refused when it comes in chunks without a length', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const { headers } = signedWebhook(relay.secret, 'x')
    const body = new ReadableStream({
      start(controller) {
        for (let chunk = 0; chunk < 40; chunk++) controller.enqueue(Buffer.alloc(1000, 'x'))
        controller.close()
      },
    })
    const response = await fetch(`${relay.url}/webhooks/seam`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'body_too_large' })
  })

  test('up to the limit is taken', async () => {
    const relay = await startRelay({ BODY_LIMIT_BYTES: '2048' })
    const padding = 2048 - JSON.stringify(credentialEvent({ more: '' })).length
    const body = JSON.stringify(credentialEvent({ more: 'x'.repeat(padding) }))
    expect(body.length).toBe(2048)
    expect((await relay.send(body)).status).toBe(202)
  })
})

describe('too many requests', () => {
  test('from one address are refused with Retry-After', async () => {
    const relay = await startRelay({ RATE_LIMIT_PER_MINUTE: '3' })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await relay.send(credentialEvent())).status)
    expect(statuses).toEqual([202, 202, 202])
    const answer = await relay.send(credentialEvent())
    expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('that fail verification shut that address out before its body is read', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '3' })
    const forge = () => relay.post(signedWebhook(newSecret(), '{}'))
    const codes = []
    for (let count = 0; count < 3; count++) codes.push((await forge()).body['code'])
    expect(codes).toEqual(['signature_mismatch', 'signature_mismatch', 'signature_mismatch'])
    expect(await forge()).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(await relay.send(credentialEvent())).toMatchObject({ status: 429 })
    const answer = await answerToHeadersAlone(relay.url, signedWebhook(newSecret(), '{}').headers)
    expect(answer).toContain('HTTP/1.1 429')
  })

  test('that fail verification do not shut out an address that verified webhooks come from', async () => {
    const relay = await startRelay({ FORGERY_LIMIT_PER_MINUTE: '3' })
    expect((await relay.send(credentialEvent())).status).toBe(202)
    for (let count = 0; count < 6; count++) {
      expect((await relay.post(signedWebhook(newSecret(), '{}'))).status).toBe(401)
    }
    expect((await relay.send(credentialEvent())).status).toBe(202)
  })
})

describe('behind a proxy', () => {
  test('a forwarded header without TRUST_PROXY is warned of once', async () => {
    const relay = await startRelay()
    const forwarded = () => {
      const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
      return relay.post({ ...webhook, headers: { ...webhook.headers, 'x-forwarded-for': '203.0.113.9' } })
    }
    await forwarded()
    await forwarded()
    expect(relay.logLines.filter(({ msg }) => String(msg).includes('TRUST_PROXY'))).toHaveLength(1)
  })

  test('TRUST_PROXY tells forged webhooks of one address from those of another', async () => {
    const relay = await startRelay({ TRUST_PROXY: 'true', FORGERY_LIMIT_PER_MINUTE: '1' })
    const from = (address: string, secret: string) => {
      const webhook = signedWebhook(secret, JSON.stringify(credentialEvent()))
      return relay.post({ ...webhook, headers: { ...webhook.headers, 'x-forwarded-for': address } })
    }
    expect((await from('203.0.113.1', newSecret())).status).toBe(401)
    expect((await from('203.0.113.1', newSecret())).status).toBe(429)
    expect((await from('203.0.113.2', relay.secret)).status).toBe(202)
  })
})

describe('hostile input never gives a 500', () => {
  const event = credentialEvent()
  const eventText = JSON.stringify(event)
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

  test.each([
    ['an array nested 100,000 deep', deep(100_000), 'quarantined'],
    [
      'an event with a field nested 100,000 deep',
      eventText.replace(/}$/, `,"more":${deep(100_000)}}`),
      'accepted',
    ],
    ['a key twice', eventText.replace(/}$/, `,"event_id":"${randomUUID()}"}`), 'quarantined'],
    ['__proto__ with all that an event needs', `{"__proto__":${eventText}}`, 'quarantined'],
    [
      '__proto__ and constructor beside an event',
      eventText.replace(/}$/, ',"__proto__":{"x":1},"constructor":{"prototype":{}}}'),
      'accepted',
    ],
    [
      'a NUL character in a string',
      JSON.stringify({ ...credentialEvent(), event_description: 'a\0b' }),
      'accepted',
    ],
    ['NUL bytes', '\0\0\0', 'quarantined'],
    [
      'a NUL character in the event type',
      JSON.stringify({ ...event, event_type: 'acs_credential.\0' }),
      'quarantined',
    ],
    ['a lone surrogate', `{"event_type":"\\ud800"}`, 'quarantined'],
    ['a number', '1e400', 'quarantined'],
    ['null', 'null', 'quarantined'],
  ])('%s', async (_what, body, status) => {
    const relay = await startRelay()
    const answer = await relay.send(body)
    expect(answer).toMatchObject({ body: { status } })
  })

  test.each(['text/plain', 'application/json; charset=nonsense', ';;;', '', 'multipart/form-data'])(
    'the content type "%s"',
    async (type) => {
      const relay = await startRelay()
      const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
      expect(
        (await relay.post({ ...webhook, headers: { ...webhook.headers, 'content-type': type } })).status,
      ).toBe(202)
    },
  )

  test('a header twice, and header arrays', async () => {
    const relay = await startRelay()
    const { headers } = signedWebhook(relay.secret, '{}')
    for (const name of ['svix-id', 'svix-timestamp', 'svix-signature']) {
      const twice = { ...headers, [name]: [headers[name] as string, headers[name] as string] }
      const response = await relay.app.publicListener.inject({
        method: 'POST',
        url: '/webhooks/seam',
        headers: twice as unknown as Record<string, string>,
        payload: '{}',
      })
      expect([202, 401]).toContain(response.statusCode)
    }
  })

  test('no content-type, no length, no body', async () => {
    const relay = await startRelay()
    const { headers } = signedWebhook(relay.secret, '')
    delete headers['content-type']
    const response = await relay.app.publicListener.inject({ method: 'POST', url: '/webhooks/seam', headers })
    expect(response.json()).toMatchObject({ status: 'quarantined' })
  })
})

test.each(METHODS.filter((method) => !['POST', 'CONNECT'].includes(method)))(
  'the method %s is told to post',
  async (method) => {
    const relay = await startRelay()
    const answer = await rawAnswer(
      relay.url,
      `${method} /webhooks/seam HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    )
    expect(answer).toContain('HTTP/1.1 405')
    expect(answer).toMatch(/^allow: POST\r$/im)
    expect(answer).toMatch(/^content-type: application\/problem\+json/im)
  },
)

test('on another path nothing is there', async () => {
  const relay = await startRelay()
  const elsewhere = await fetch(`${relay.url}/metrics`)
  expect(elsewhere.status).toBe(404)
  expect(await elsewhere.json()).toMatchObject({ code: 'not_found', status: 404 })
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

test('every outcome is counted', async () => {
  const relay = await startRelay()
  const event = credentialEvent()
  await relay.send(event)
  await relay.send(event)
  await relay.send({ success: true })
  await relay.send('nonsense')
  await relay.post(signedWebhook(newSecret(), '{}'))
  await relay.post({ headers: {}, body: 'x'.repeat(300_000) })
  const metrics = await relay.metrics()
  for (const outcome of [
    'accepted',
    'duplicate',
    'ignored',
    'quarantined',
    'signature_mismatch',
    'body_too_large',
  ]) {
    expect(metrics).toContain(`seam_relay_webhooks_total{outcome="${outcome}"} 1`)
  }
})

/** Sends a request's headers, promises a body and never sends it; gives back what is answered all the same. */
async function answerToHeadersAlone(url: string, headers: Record<string, string>): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST /webhooks/seam HTTP/1.1\r\nhost: x\r\n${lines.join('')}content-length: 1000\r\n\r\n`)
  const [chunk] = (await new Promise<[Buffer]>((resolve) =>
    socket.once('data', (data) => resolve([data])),
  )) as [Buffer]
  socket.destroy()
  return text(new Blob([new Uint8Array(chunk)]).stream())
}
