import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { CredentialEvent } from '../../src/events/event.ts'
import { credentialEvent } from '../support/credential-event.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { sql } from '../support/postgres.ts'
import type { Receiver } from '../support/receiver.ts'
import type { Answer } from '../support/relay.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { Stage } from '../support/stage.ts'
import { until as untilWithin } from '../support/until.ts'

/** The sender's patience. */
const SENDER_TIMEOUT_MS = 15_000
/** What a relay holds at most: two to take in, three to deliver, three for the rest, one for hints. */
const CONNECTIONS = 9
/** A claim whose answer was lost leaves its deliveries leased: half a minute and the attempt's own time. */
const HOOK_TIMEOUT_MS = 1000
const LEASE_WAIT_MS = 90_000

/** The tests run beside each other and have to stand a busy machine. */
function until<T>(what: string, probe: () => T | Promise<T>, timeoutMs = 60_000): Promise<NonNullable<T>> {
  return untilWithin(what, probe, timeoutMs)
}

function hookTo(receiver: Receiver): object[] {
  return [{ name: 'one', url: receiver.url, timeoutMs: HOOK_TIMEOUT_MS }]
}

/** A webhook and what became of it. */
interface Post {
  event: CredentialEvent
  /** Whether the database was away from before it was sent until after it was answered. */
  whileAway: boolean
  answer: Answer
}

interface Probe {
  path: string
  status: number
  body: string
  whileAway: boolean
}

/** Webhooks and probes without a pause, to all of the relays, as senders and an orchestrator would go on. */
class Traffic {
  readonly posts: Post[] = []
  readonly probes: Probe[] = []
  readonly #relays: readonly RelayProcess[]
  #away = false
  #changes = 0
  #ending = false
  readonly #ended: Promise<unknown>

  constructor(relays: readonly RelayProcess[]) {
    this.#relays = relays
    this.#ended = Promise.all(
      relays.flatMap((relay) => [this.#post(relay), this.#post(relay), this.#probe(relay)]),
    )
    // Whoever ends it hears of it.
    this.#ended.catch(() => {})
  }

  /** Says when the database has gone, and when it is about to come. */
  set away(away: boolean) {
    this.#away = away
    this.#changes++
  }

  acknowledged(): string[] {
    return this.posts.filter(({ answer }) => answer.status === 202).map(({ event }) => event.event_id)
  }

  /** Waits until each relay has acknowledged that many more. */
  async goesOn(count: number): Promise<void> {
    const before = this.acknowledged().length
    await until('webhooks to be accepted', () => this.acknowledged().length >= before + count)
  }

  /** Waits until each relay has answered so to `/readyz`. */
  async readiness(status: number, reason?: RegExp): Promise<void> {
    for (const { url } of this.#relays) {
      await until(`readiness to be ${status}`, async () => {
        const response = await fetch(`${url}/readyz`)
        const body = await response.text()
        return (response.status === status && (reason?.test(body) ?? true)) || delay(100, false)
      })
    }
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#ended
  }

  async #post(relay: RelayProcess): Promise<void> {
    while (!this.#ending) {
      const event = credentialEvent()
      const { away, changes } = { away: this.#away, changes: this.#changes }
      const answer = await relay.send(event, { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) })
      this.posts.push({ event, answer, whileAway: away && changes === this.#changes })
      await delay(10)
    }
  }

  async #probe(relay: RelayProcess): Promise<void> {
    while (!this.#ending) {
      for (const path of ['/livez', '/readyz']) {
        const { away, changes } = { away: this.#away, changes: this.#changes }
        const response = await fetch(`${relay.url}${path}`)
        const body = await response.text()
        const whileAway = away && changes === this.#changes
        this.probes.push({ path, status: response.status, body, whileAway })
      }
      await delay(50)
    }
  }
}

/** All client connections to the server but the one that asks. */
async function connectionsOf(server: PostgresServer): Promise<number> {
  const rows = await sql(
    server.url(),
    `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  return rows.length
}

/** Posts again what was answered with a 503, as the sender does. Whether it is new then or known, it is held. */
async function postAgain(relay: RelayProcess, events: readonly CredentialEvent[]): Promise<string[]> {
  for (const event of events) {
    const { body } = await relay.send(event)
    expect(body['status']).toBeOneOf(['accepted', 'duplicate'])
  }
  return events.map(({ event_id }) => event_id)
}

function receivedIds(receiver: Receiver): Set<string> {
  return new Set(receiver.received.map(({ headers }) => headers['webhook-id'] as string))
}

async function allAreDelivered(receiver: Receiver, ids: readonly string[]): Promise<void> {
  await until(
    'all acknowledged events to be delivered',
    () => {
      const received = receivedIds(receiver)
      return ids.every((id) => received.has(id)) || delay(100, false)
    },
    LEASE_WAIT_MS,
  )
}

function isUnavailable({ status, headers, body }: Answer): boolean {
  return status === 503 && Number(headers.get('retry-after')) > 0 && body['code'] === 'unavailable'
}

describe.concurrent('a database that is away', { timeout: 180_000 }, () => {
  test('stopped and started again, then crashed and recovered: nothing acknowledged is lost, and no restart is needed', async (context) => {
    const stage = new Stage(context)
    const server = await stage.server({ durable: true })
    const receiver = await stage.receiver()
    const relays = await Promise.all([1, 2].map(() => stage.relay(server.url(), hookTo(receiver))))
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
    // Neither the answers to webhooks nor those to probes show where the database is and who asks it.
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

  test('one that hangs and does not refuse: webhooks hear a 503 in time, and all goes on when it does', async (context) => {
    const stage = new Stage(context)
    const proxy = await stage.proxy(await stage.database())
    const receiver = await stage.receiver()
    const relay = await stage.relay(proxy.url, hookTo(receiver))
    // Bodies to be set aside as well, so that every connection that takes things in is open when it begins to hang.
    const misfit = () => ({ ...credentialEvent(), event_type: undefined })
    const accepted = await Promise.all(
      Array.from({ length: 20 }, (_, index) => relay.send(index % 2 === 0 ? credentialEvent() : misfit())),
    )
    expect(accepted.filter(({ status }) => status !== 202)).toEqual([])

    proxy.freeze()
    const posts: Promise<Answer>[] = []
    const events = Array.from({ length: 5 }, () => credentialEvent())
    for (const event of events) {
      posts.push(relay.send(event, { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) }))
      expect((await fetch(`${relay.url}/livez`)).status).toBe(200)
      await delay(1000)
    }
    const answers = await Promise.allSettled(posts)
    expect(answers.filter((answer) => answer.status === 'rejected' || !isUnavailable(answer.value))).toEqual(
      [],
    )
    const readiness = await fetch(`${relay.url}/readyz`)
    expect(readiness.status).toBe(503)
    expect(await readiness.text()).not.toContain(new URL(proxy.url).port)

    proxy.thaw()
    await until('webhooks to be accepted again', async () => {
      const { status } = await relay.send(credentialEvent())
      return status === 202
    })
    await until('readiness', async () => (await fetch(`${relay.url}/readyz`)).ok || delay(100, false))
    await allAreDelivered(receiver, await postAgain(relay, events))
  })

  test('connections that are silently dead, and a database that takes new ones: it goes on within a moment', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const proxy = await stage.proxy(database)
    const receiver = await stage.receiver()
    const relay = await stage.relay(proxy.url, hookTo(receiver))
    const scrape = () => fetch(`${relay.operatorUrl}/metrics`, { signal: AbortSignal.timeout(30_000) })
    const post = () => relay.send(credentialEvent(), { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) })
    // As many at once as it takes for every connection to be open.
    const ten = <T>(ask: () => Promise<T>) => Array.from({ length: 10 }, ask)
    await Promise.all(ten(post))
    const pending = async () =>
      /^seam_relay_deliveries_pending\{hook="one"\} (\d+)$/m.exec(await (await scrape()).text())?.[1]
    await until('all to be delivered', async () => (await Promise.all(ten(pending))).every((n) => n === '0'))

    proxy.abandon()
    const early = Promise.allSettled(ten(scrape))
    await until('webhooks to be accepted again', async () => (await post()).status === 202)
    await until('readiness', async () => (await fetch(`${relay.url}/readyz`)).ok || delay(100, false))
    // Whoever asks for something else, and perhaps still waits, does not make webhooks be refused.
    let isScraped = false
    const late = scrape().finally(() => (isScraped = true))
    const answers: number[] = []
    for (let after = 0; after < 20; after += Number(isScraped)) {
      answers.push((await post()).status)
      await delay(5)
    }
    expect(answers.filter((status) => status !== 202)).toEqual([])
    // And hears what stands where now, not before.
    await Promise.all([early, late])
    receiver.behaviour = 500
    await post()
    expect(Number(await pending())).toBeGreaterThan(0)
  })

  test('away at the start: it waits, and starts when it comes up', async (context) => {
    const stage = new Stage(context)
    const server = await stage.server()
    await server.stop()
    const receiver = await stage.receiver()
    const launched = stage.launch(server.url(), hookTo(receiver))
    await until('it to wait', () =>
      launched.logLines.some(({ msg }) => msg === 'the database cannot be reached yet'),
    )
    await server.start()
    const relay = await launched.listening()
    expect((await relay.send(credentialEvent())).status).toBe(202)
    await receiver.hasReceived(1)

    // What waiting does not mend ends it at once.
    const wrongPassword = new URL(server.url())
    wrongPassword.password = 'not-the-password-2718'
    for (const url of [wrongPassword.href, server.url('no-such-database')]) {
      const failing = stage.launch(url, [])
      expect(await until('it to end', () => failing.child.exitCode)).toBe(1)
      await failing.ended
      expect(failing.complaints()).toMatch(/^seam-relay cannot start: DATABASE_URL: [^\n]+\n$/)
      const said = failing.complaints() + JSON.stringify(failing.logLines)
      expect(said).not.toContain(new URL(url).password)
    }
  })
})
