import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { CredentialEvent } from '../../../src/events/event.ts'
import { credentialEvent, credentialEvents } from '../../support/credential-event.ts'
import type { PostgresServer } from '../../support/postgres-server.ts'
import { sql } from '../../support/postgres.ts'
import type { Receiver } from '../../support/receiver.ts'
import type { Answer } from '../../support/relay.ts'
import type { RelayProcess } from '../../support/relay-process.ts'
import { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { SENDER_TIMEOUT_MS, Traffic } from './traffic.ts'

/** The most connections that a relay opens: two to accept, three to deliver, three for the rest, one to be notified. */
const CONNECTIONS = 9
/** Short: a claim whose answer is lost leaves its deliveries leased for this and another 30 s. */
const HOOK_TIMEOUT_MS = 1000
const LEASE_WAIT_MS = 90_000

function hooksTo(receiver: Receiver): object[] {
  return [{ name: 'one', url: receiver.url, timeoutMs: HOOK_TIMEOUT_MS }]
}

/** How many client connections the server has, without the one that asks. */
async function connectionsOf(server: PostgresServer): Promise<number> {
  const rows = await sql(
    server.url(),
    `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  return rows.length
}

/** Posts events again that were answered 503, as the sender does. They are accepted now, or were stored before. */
async function postAgain(relay: RelayProcess, events: readonly CredentialEvent[]): Promise<string[]> {
  for (const event of events) {
    const { body } = await relay.send(event)
    expect(body['status']).toBeOneOf(['accepted', 'duplicate'])
  }
  return events.map(({ event_id }) => event_id)
}

async function allAreDelivered(receiver: Receiver, ids: readonly string[]): Promise<void> {
  await untilPatiently(
    'all acknowledged events to be delivered',
    () => {
      const received = new Set(receiver.ids)
      return ids.every((id) => received.has(id)) || delay(100, false)
    },
    LEASE_WAIT_MS,
  )
}

function isUnavailable({ status, headers, body }: Answer): boolean {
  return status === 503 && Number(headers.get('retry-after')) > 0 && body['code'] === 'unavailable'
}

describe.concurrent('a database that is away', { timeout: 180_000 }, () => {
  test('stopped and started again, then crashed and recovered: nothing acknowledged is lost, and no relay has to be restarted', async (context) => {
    const stage = new Stage(context)
    const server = await stage.server({ durable: true })
    const receiver = await stage.receiver()
    const relays = await Promise.all([1, 2].map(() => stage.relay(server.url(), hooksTo(receiver))))
    const traffic = new Traffic(relays)
    await traffic.goesOn(50)
    expect(await connectionsOf(server)).toBeLessThanOrEqual(CONNECTIONS * relays.length)

    for (const outage of ['stop', 'kill'] as const) {
      await server[outage]()
      traffic.away = true
      await traffic.readiness(503, /"reason":"[^"]*cannot be reached/)
      await delay(4000)
      traffic.away = false
      await server.start()
      await traffic.readiness(200)
      await traffic.goesOn(50)
    }
    const after = await connectionsOf(server)
    await traffic.end()

    const { posts, probes } = traffic
    expect(posts.filter(({ answer }) => answer.status !== 202 && !isUnavailable(answer))).toEqual([])
    const whileAway = posts.filter((post) => post.whileAway)
    expect(whileAway.length).toBeGreaterThan(20)
    expect(whileAway.filter(({ answer }) => !isUnavailable(answer))).toEqual([])
    expect(probes.filter(({ path, status }) => path === '/livez' && status !== 200)).toEqual([])
    // Answers to webhooks and probes show neither the database's address nor its user and password.
    const { username, password, port } = new URL(server.url())
    const refused = posts.filter(({ answer }) => answer.status === 503)
    const shown = JSON.stringify([probes.map(({ body }) => body), refused.map(({ answer }) => answer.body)])
    for (const text of [username, password, port, '127.0.0.1']) expect(shown).not.toContain(text)
    expect(relays.map(({ child }) => child.exitCode)).toEqual([null, null])

    expect(after).toBeLessThanOrEqual(CONNECTIONS * relays.length)

    const again = await postAgain(
      relays[0] as RelayProcess,
      refused.map(({ event }) => event),
    )
    await allAreDelivered(receiver, [...traffic.acknowledged(), ...again])
    expect(
      await sql(
        server.url(),
        'select webhook_id from seam_relay.events group by webhook_id having count(*) > 1',
      ),
    ).toEqual([])
  })

  test('a database that hangs: webhooks are answered 503 in time, and everything goes on when the database does', async (context) => {
    const stage = new Stage(context)
    const proxy = await stage.proxy(await stage.database())
    const receiver = await stage.receiver()
    const relay = await stage.relay(proxy.url, hooksTo(receiver))
    // Bodies for the quarantine too, so that every connection that accepts is open when the database begins to hang.
    const misfit = () => ({ ...credentialEvent(), event_type: undefined })
    const accepted = await Promise.all(
      Array.from({ length: 20 }, (_, index) => relay.send(index % 2 === 0 ? credentialEvent() : misfit())),
    )
    expect(accepted.filter(({ status }) => status !== 202)).toEqual([])

    proxy.freeze()
    const posts: Promise<Answer>[] = []
    const events = credentialEvents(5)
    for (const event of events) {
      posts.push(relay.send(event, { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) }))
      expect((await fetch(`${relay.url}/livez`)).status).toBe(200)
      await delay(1000)
    }
    const answers = await Promise.allSettled(posts)
    expect(answers.filter((answer) => answer.status === 'rejected' || !isUnavailable(answer.value))).toEqual(
      [],
    )
    const readiness = await relay.readyz()
    expect(readiness.status).toBe(503)
    expect(readiness.body).not.toContain(new URL(proxy.url).port)

    proxy.thaw()
    await untilPatiently('webhooks to be accepted again', async () => {
      const { status } = await relay.send(credentialEvent())
      return status === 202
    })
    await untilPatiently('readiness', async () => (await relay.readyz()).status === 200 || delay(100, false))
    await allAreDelivered(receiver, await postAgain(relay, events))
  })

  test('connections that are silently dead: the relay goes on by new ones within a moment', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const proxy = await stage.proxy(database)
    const receiver = await stage.receiver()
    const relay = await stage.relay(proxy.url, hooksTo(receiver))
    const scrape = () => fetch(`${relay.operatorUrl}/metrics`, { signal: AbortSignal.timeout(30_000) })
    const post = () => relay.send(credentialEvent(), { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) })
    // Ten at once, so that every connection is opened.
    const ten = <T>(ask: () => Promise<T>) => Array.from({ length: 10 }, ask)
    await Promise.all(ten(post))
    const pending = () => relay.metric('seam_relay_deliveries_pending', { hook: 'one' })
    await untilPatiently('all to be delivered', async () =>
      (await Promise.all(ten(pending))).every((n) => n === 0),
    )

    proxy.abandon()
    const early = Promise.allSettled(ten(scrape))
    await untilPatiently('webhooks to be accepted again', async () => (await post()).status === 202)
    await untilPatiently('readiness', async () => (await relay.readyz()).status === 200 || delay(100, false))
    // A scrape of the metrics, which may still be waiting, does not make the relay refuse webhooks.
    let isScraped = false
    const late = scrape().finally(() => (isScraped = true))
    const answers: number[] = []
    for (let after = 0; after < 20; after += Number(isScraped)) {
      answers.push((await post()).status)
      await delay(5)
    }
    expect(answers.filter((status) => status !== 202)).toEqual([])
    // And soon the metrics are those of now: one reading of them serves for some seconds.
    await Promise.all([early, late])
    receiver.behaviour = 500
    await post()
    await untilPatiently('the metrics to show it', async () => (await pending()) !== 0)
  })

  test('a database that is away at the start: the relay waits, and starts when the database comes up', async (context) => {
    const stage = new Stage(context)
    const server = await stage.server()
    await server.stop()
    const receiver = await stage.receiver()
    const launched = stage.launch(server.url(), hooksTo(receiver))
    await launched.logged('the database cannot be reached yet')
    await server.start()
    const relay = await launched.listening()
    expect((await relay.send(credentialEvent())).status).toBe(202)
    await receiver.hasReceived(1)

    // A mistake that waiting cannot mend ends the start at once.
    const wrongPassword = new URL(server.url())
    wrongPassword.password = 'not-the-password-2718'
    for (const url of [wrongPassword.href, server.url('no-such-database')]) {
      const failing = stage.launch(url, [])
      expect(await untilPatiently('it to end', () => failing.child.exitCode)).toBe(1)
      await failing.ended
      expect(failing.complaints()).toMatch(/^seam-relay cannot start: DATABASE_URL: [^\n]+\n$/)
      const said = failing.complaints() + JSON.stringify(failing.logLines)
      expect(said).not.toContain(new URL(url).password)
    }
  })
})
