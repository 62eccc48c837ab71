import { randomUUID } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook } from 'svix'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { VERSION } from '../../src/version.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

const quick = { retry: { initialDelayMs: 20, maxDelayMs: 40 } }

test('a hook gets the bytes that Seam sent, with the headers that the contract names', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(
    hookTo(receiver, { headers: { 'X-Door': 'front', authorization: 'Bearer abc' } }),
  )
  const event = credentialEvent({ event_description: 'Grüße, 鍵' })
  const body = JSON.stringify(event, null, 2)
  await relay.send(body)
  const [request] = await receiver.hasReceived(1)
  expect(request?.body).toBe(body)
  expect(request?.path).toBe('/hook')
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': `seam-relay/${VERSION}`,
    'webhook-id': event.event_id,
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    'seam-relay-attempt': '1',
    'x-door': 'front',
    authorization: 'Bearer abc',
    'content-length': String(Buffer.byteLength(body)),
  })
  expect(request?.headers).not.toHaveProperty('webhook-signature')
})

test('every secret of a hook signs, and svix and standardwebhooks verify it with any of them', async () => {
  const secrets = [newSecret(), newSecret()]
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver, { secrets }))
  const event = credentialEvent({ event_description: 'Grüße' })
  await relay.send(event)
  const [request] = await receiver.hasReceived(1)
  const headers = request?.headers as Record<string, string>
  for (const secret of secrets) {
    expect(() => new Webhook(secret).verify(request?.body ?? '', headers)).not.toThrow()
    expect(new StandardWebhook(secret).verify(request?.body ?? '', headers)).toEqual(event)
  }
  expect(() => new StandardWebhook(newSecret()).verify(request?.body ?? '', headers)).toThrow(
    'No matching signature',
  )
})

test.each([500, 302, 404, 429])(
  'an answer of %d is tried again, with the same webhook-id and the next attempt',
  async (status) => {
    const receiver = await startReceiver(status)
    const relay = await startRelay(hookTo(receiver, quick))
    const event = credentialEvent()
    await relay.send(event)
    await receiver.hasReceived(2)
    receiver.behaviour = 200
    await until('it to be delivered', () => relay.logLines.some(({ msg }) => msg === 'delivered'))
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([event.event_id]),
    )
    expect(receiver.received.map(({ headers }) => headers['seam-relay-attempt'])).toEqual(
      receiver.received.map((_request, index) => String(index + 1)),
    )
  },
)

test('a 410 ends it at once', async () => {
  const receiver = await startReceiver(410)
  const relay = await startRelay(hookTo(receiver, quick))
  await relay.send(credentialEvent())
  await until('the dead letter to be counted', async () =>
    (await relay.metrics()).includes('seam_relay_deliveries_settled_total{hook="one",state="dead"} 1'),
  )
  expect(receiver.received).toHaveLength(1)
})

test('what is older than giveUpAfterMs becomes a dead letter at its next failure', async () => {
  const receiver = await startReceiver(500)
  const relay = await startRelay(
    hookTo(receiver, { retry: { ...quick.retry, giveUpAfterMs: 200 }, breaker: { failures: 1000 } }),
  )
  await relay.send(credentialEvent())
  await until('the dead letter', () =>
    relay.logLines.some(({ msg }) => msg === 'delivery given up: a dead letter'),
  )
  expect(receiver.received.length).toBeGreaterThan(2)
})

test('a hook that never answers costs it a timeout and nobody else anything', async () => {
  const silent = await startReceiver(() => {})
  const receiver = await startReceiver()
  const HOOKS = JSON.stringify([
    { name: 'silent', url: silent.url, timeoutMs: 100, concurrency: 2, ...quick },
    { name: 'good', url: receiver.url },
  ])
  const relay = await startRelay({ HOOKS })
  await Promise.all(Array.from({ length: 20 }, () => relay.send(credentialEvent())))
  await receiver.hasReceived(20)
  const timeout = await until('a timeout to be logged', () =>
    relay.logLines.find(({ code }) => code === 'timeout'),
  )
  expect(timeout).toMatchObject({ hook: 'silent', status: null })
})

test('a hook gets as many at once as its concurrency says, and never more', async () => {
  const held: (() => void)[] = []
  let most = 0
  const receiver = await startReceiver((_request, response) => {
    most = Math.max(
      most,
      held.push(() => response.writeHead(204).end()),
    )
  })
  const relay = await startRelay(hookTo(receiver, { concurrency: 3 }))
  await Promise.all(Array.from({ length: 60 }, () => relay.send(credentialEvent())))
  for (let answered = 0; answered < 60; answered += 3) {
    await until('three to be under way', () => held.length >= 3)
    for (const answer of held.splice(0)) answer()
  }
  expect(receiver.received).toHaveLength(60)
  expect(most).toBe(3)
})

test('a hook gets the event types and workspaces that it names, and no others', async () => {
  const workspace = randomUUID()
  const [issued, here, all] = [await startReceiver(), await startReceiver(), await startReceiver()]
  const HOOKS = JSON.stringify([
    { name: 'issued', url: issued.url, events: ['acs_credential.issued'] },
    { name: 'here', url: here.url, workspaces: [workspace] },
    { name: 'all', url: all.url },
  ])
  const relay = await startRelay({ HOOKS, ACCEPT_EVENT_TYPES: '*' })
  const events = [
    credentialEvent({ event_type: 'acs_credential.issued' }),
    credentialEvent({ event_type: 'acs_credential.deleted', workspace_id: workspace }),
    { ...credentialEvent(), event_type: 'device.connected' },
  ]
  for (const event of events) expect((await relay.send(event)).status).toBe(202)
  await all.hasReceived(3)
  await issued.hasReceived(1)
  await here.hasReceived(1)
  expect(issued.received.map(({ headers }) => headers['webhook-id'])).toEqual([events[0]?.event_id])
  expect(here.received.map(({ headers }) => headers['webhook-id'])).toEqual([events[1]?.event_id])
})

test('a hook gets the events of the systems and accounts that it names, whatever case they are written in', async () => {
  const [system, account] = [randomUUID(), randomUUID()]
  const [ofSystem, ofAccount, all] = [await startReceiver(), await startReceiver(), await startReceiver()]
  const HOOKS = JSON.stringify([
    { name: 'system', url: ofSystem.url, systems: [system.toUpperCase()] },
    { name: 'account', url: ofAccount.url, accounts: [account] },
    { name: 'all', url: all.url },
  ])
  const relay = await startRelay({ HOOKS, ACCEPT_EVENT_TYPES: '*' })
  const withoutAccount = { ...credentialEvent({ acs_system_id: system }) }
  delete withoutAccount.connected_account_id
  const events = [withoutAccount, credentialEvent({ connected_account_id: account.toUpperCase() })]
  for (const event of events) expect((await relay.send(event)).status).toBe(202)
  await all.hasReceived(2)
  await ofSystem.hasReceived(1)
  await ofAccount.hasReceived(1)
  expect(ofSystem.received.map(({ headers }) => headers['webhook-id'])).toEqual([events[0]?.event_id])
  expect(ofAccount.received.map(({ headers }) => headers['webhook-id'])).toEqual([events[1]?.event_id])
  expect(ofSystem.received[0]?.headers['traceparent']).toContain(events[0]?.event_id.replaceAll('-', ''))
})

describe('a breaker', () => {
  test('opens after so many failures in a row, and then deliveries wait and burn no attempts', async () => {
    const receiver = await startReceiver(500)
    const settings = {
      concurrency: 1,
      breaker: { failures: 3, cooldownMs: 600_000 },
      retry: { initialDelayMs: 1, maxDelayMs: 1 },
    }
    const relay = await startRelay(hookTo(receiver, settings))
    await Promise.all(Array.from({ length: 20 }, () => relay.send(credentialEvent())))
    await until('the breaker to open', async () =>
      (await relay.metrics()).includes('seam_relay_breaker_state{hook="one",state="open"} 1'),
    )
    expect(receiver.received).toHaveLength(3)
    expect(await relay.metrics()).toContain('seam_relay_deliveries_pending{hook="one"} 20')
  })

  test('lets one probe through after the cool-down, and the rest once it succeeded', async () => {
    const receiver = await startReceiver(500)
    const settings = { breaker: { failures: 2, cooldownMs: 50 }, retry: { initialDelayMs: 1, maxDelayMs: 1 } }
    const relay = await startRelay(hookTo(receiver, settings))
    await Promise.all(Array.from({ length: 30 }, () => relay.send(credentialEvent())))
    await until('the breaker to open', () =>
      relay.logLines.some(({ msg }) => String(msg).startsWith('breaker opened')),
    )
    receiver.behaviour = 204
    await until('all to be delivered', async () =>
      (await relay.metrics()).includes(
        'seam_relay_deliveries_settled_total{hook="one",state="delivered"} 30',
      ),
    )
    expect(await relay.metrics()).toContain('seam_relay_breaker_state{hook="one",state="closed"} 1')
  })
})

test('maxPerSecond is never exceeded in any second', async () => {
  const times: number[] = []
  const receiver = await startReceiver((_request, response) => {
    times.push(performance.now())
    response.writeHead(204).end()
  })
  const relay = await startRelay(hookTo(receiver, { maxPerSecond: 10 }))
  await Promise.all(Array.from({ length: 25 }, () => relay.send(credentialEvent())))
  await receiver.hasReceived(25)
  // The sender's clock is not the receiver's: what was sent a second apart may arrive a little closer.
  const spans = times.slice(10).map((time, index) => time - (times[index] as number))
  expect(Math.min(...spans)).toBeGreaterThan(500)
})

describe('ordering: credential', () => {
  test('sends the deliveries of one credential one at a time in order, and holds up no other', async () => {
    const slow = credentialEvent().acs_credential_id
    let failures = 3
    const receiver = await startReceiver(({ body }, response) => {
      const fails = body.includes(slow) && failures-- > 0
      response.writeHead(fails ? 500 : 204).end()
    })
    const relay = await startRelay(hookTo(receiver, { ordering: 'credential', ...quick }))
    const ordered = Array.from({ length: 5 }, () => credentialEvent({ acs_credential_id: slow }))
    for (const event of ordered) await relay.send(event)
    const others = Array.from({ length: 10 }, () => credentialEvent())
    await Promise.all(others.map((event) => relay.send(event)))
    await receiver.hasReceived(3 + 5 + 10)
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    const head = ordered[0]?.event_id
    const rest = ordered.slice(1).map(({ event_id }) => event_id)
    expect(ids.filter((id) => ordered.some(({ event_id }) => event_id === id))).toEqual([
      head,
      head,
      head,
      head,
      ...rest,
    ])
    expect(new Set(ids)).toEqual(new Set([...ordered, ...others].map(({ event_id }) => event_id)))
  })

  test('a dead letter lets those behind it pass', async () => {
    const credential = credentialEvent().acs_credential_id
    const events = Array.from({ length: 3 }, () => credentialEvent({ acs_credential_id: credential }))
    const receiver = await startReceiver(({ headers }, response) => {
      response.writeHead(headers['webhook-id'] === events[0]?.event_id ? 410 : 204).end()
    })
    const relay = await startRelay(hookTo(receiver, { ordering: 'credential' }))
    for (const event of events) await relay.send(event)
    await receiver.hasReceived(3)
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      events.map(({ event_id }) => event_id),
    )
  })
})

describe('a new list of hooks', () => {
  const hooksOf = (relayHooks: Record<string, unknown>[]) =>
    readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS: JSON.stringify(relayHooks) }).hooks

  test('is taken over without a lost or doubled delivery while webhooks keep coming', async () => {
    const [before, after] = [await startReceiver(), await startReceiver()]
    const relay = await startRelay(hookTo(before))
    const events = Array.from({ length: 60 }, () => credentialEvent())
    const sending = Promise.all(events.map((event) => relay.send(event)))
    await before.hasReceived(1)
    relay.app.setHooks(hooksOf([{ name: 'one', url: after.url, concurrency: 4 }]))
    await sending
    await until('all to be delivered', () => before.received.length + after.received.length >= events.length)
    const ids = [...before.received, ...after.received].map(({ headers }) => headers['webhook-id'])
    expect(ids).toHaveLength(events.length)
    expect(new Set(ids)).toEqual(new Set(events.map(({ event_id }) => event_id)))
  })

  test.each([
    ['changed', [{ timeoutMs: 20_000 }]],
    ['left out', []],
  ])(
    'lets an attempt under way end when its hook is %s, and does not make it twice',
    async (_what, settings) => {
      const held: (() => void)[] = []
      const receiver = await startReceiver((_request, response) =>
        held.push(() => response.writeHead(204).end()),
      )
      const relay = await startRelay(hookTo(receiver))
      await relay.send(credentialEvent())
      await receiver.hasReceived(1)
      relay.app.setHooks(hooksOf(settings.map((setting) => ({ name: 'one', url: receiver.url, ...setting }))))
      for (const answer of held) answer()
      await until('it to be settled', async () =>
        (await relay.metrics()).includes(
          'seam_relay_deliveries_settled_total{hook="one",state="delivered"} 1',
        ),
      )
      expect(receiver.received).toHaveLength(1)
    },
  )

  test('keeps the deliveries of a hook that it no longer names, shows them, and sends them when it is named again', async () => {
    const receiver = await startReceiver(500)
    const relay = await startRelay(hookTo(receiver, { retry: { initialDelayMs: 5, maxDelayMs: 5 } }))
    const event = credentialEvent()
    await relay.send(event)
    await receiver.hasReceived(1)
    relay.app.setHooks([])
    await until('it to be shown as not configured', async () =>
      (await relay.metrics()).includes('seam_relay_hook_configured{hook="one"} 0'),
    )
    expect(await relay.metrics()).toContain('seam_relay_deliveries_pending{hook="one"} 1')
    receiver.behaviour = 204
    relay.app.setHooks(hooksOf([{ name: 'one', url: receiver.url }]))
    await until('it to be delivered', () => relay.logLines.some(({ msg }) => msg === 'delivered'))
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([event.event_id]),
    )
  })
})
