import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startRelay } from '../support/relay.ts'
import { signedWebhook } from '../support/signed-webhook.ts'

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
