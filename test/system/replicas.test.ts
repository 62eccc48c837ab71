import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { Webhook } from 'svix'
import { describe, expect, test } from 'vitest'
import type { CredentialEvent } from '../../src/events/event.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { sql } from '../support/postgres.ts'
import type { Answer } from '../support/relay.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { Stage } from '../support/stage.ts'
import { until as untilWithin } from '../support/until.ts'

// A lease outlasts an attempt by 30 s. The two tests that wait for one come first, and the others run beside them.
const LEASE_WAIT_MS = 90_000

/** The tests run beside each other and have to stand a busy machine. */
function until<T>(what: string, probe: () => T | Promise<T>, timeoutMs = 60_000): Promise<NonNullable<T>> {
  return untilWithin(what, probe, timeoutMs)
}

/** A request at a hook, and what is said about it in the headers. */
interface Arrival {
  hook: string
  /** The replica that sent it. */
  from: string
  id: string
  attempt: number
  body: string
}

interface Hook {
  arrivals: Arrival[]
  /** The hook as this replica is to know it: the request's path tells who sent it. */
  of: (replica: string) => object
}

type Answering = (arrival: Arrival, response: ServerResponse) => unknown

/** A hook with a real receiver, which takes nothing that is not signed. */
async function startHook(
  stage: Stage,
  name: string,
  answering: Answering = (_arrival, response) => response.writeHead(204).end(),
  settings: Record<string, unknown> = {},
): Promise<Hook> {
  const secret = newSecret()
  const arrivals: Arrival[] = []
  const receiver = await stage.receiver((request, response) => {
    const { headers, body, path } = request
    new Webhook(secret).verify(body, headers as Record<string, string>)
    const arrival: Arrival = {
      hook: name,
      from: new URL(path, 'http://hook').searchParams.get('from') ?? '',
      id: headers['webhook-id'] as string,
      attempt: Number(headers['seam-relay-attempt']),
      body,
    }
    arrivals.push(arrival)
    return answering(arrival, response)
  })
  return {
    arrivals,
    of: (replica) => ({ name, url: `${receiver.url}?from=${replica}`, secrets: [secret], ...settings }),
  }
}

/**
 * Posts the events as Seam does, some at a time, the next one to the next of the relays.
 * @returns those that were not acknowledged
 */
async function post(
  events: readonly CredentialEvent[],
  relays: readonly RelayProcess[],
  acknowledged: Set<string>,
): Promise<CredentialEvent[]> {
  const waiting = events.map((event, index) => ({ event, relay: relays[index % relays.length] }))
  const refused: CredentialEvent[] = []
  async function postNext(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { event, relay } = next
      const answer = await relay?.send(event).catch(() => null)
      if (answer?.status === 202 || answer?.status === 200) acknowledged.add(event.event_id)
      else refused.push(event)
    }
  }
  await Promise.all(Array.from({ length: 8 }, postNext))
  return refused
}

interface DeliveryRow {
  webhook_id: string
  hook: string
  state: string
  attempts: number
  lease_token: number
  failures: number
  settled_at: Date | null
}

function deliveries(database: string, where = 'true'): Promise<DeliveryRow[]> {
  return sql<DeliveryRow>(
    database,
    `select i.webhook_id, d.hook, d.state, d.attempts, d.lease_token, d.failures, d.settled_at
    from seam_relay.deliveries d join seam_relay.event_ids i on i.seq = d.event_seq
    where ${where} order by i.seq, d.hook`,
  )
}

/** The rows without their count of attempts, which grows with those that are recorded late. */
function statesOf(rows: readonly DeliveryRow[]): DeliveryRow[] {
  return rows.map((row) => ({ ...row, attempts: 0 }))
}

async function everythingIsSettled(database: string): Promise<void> {
  await until(
    'every delivery to be settled',
    async () => (await deliveries(database, 'd.settled_at is null')).length === 0 || delay(200, false),
    LEASE_WAIT_MS,
  )
}

/** What the database holds of each event: one id, one event, one delivery for each hook. */
async function expectStoredOnce(database: string, ids: Iterable<string>, hooks: number): Promise<void> {
  const stored = await sql(
    database,
    `select webhook_id, (select count(*)::int from seam_relay.events e where e.webhook_id = i.webhook_id) as events,
      (select count(*)::int from seam_relay.deliveries d join seam_relay.events e on e.seq = d.event_seq
        where e.webhook_id = i.webhook_id) as deliveries
    from seam_relay.event_ids i order by webhook_id`,
  )
  expect(stored).toEqual([...ids].toSorted().map((id) => ({ webhook_id: id, events: 1, deliveries: hooks })))
}

function keyOf({ hook, id }: { hook: string; id: string }): string {
  return `${hook} ${id}`
}

/** What came more than once. */
function doubled(arrivals: readonly Arrival[]): Set<string> {
  const keys = arrivals.map(keyOf)
  return new Set(keys.filter((key, index) => keys.indexOf(key) !== index))
}

function newEvents(count: number): CredentialEvent[] {
  return Array.from({ length: count }, () => credentialEvent())
}

describe.concurrent('several replicas on one database', { timeout: 180_000 }, () => {
  test('kill -9 of one under load loses nothing, and only what it had in flight comes twice', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const settings = { timeoutMs: 3000 }
    const acknowledged = new Set<string>()
    const held: Arrival[] = []
    const hooks = [
      await startHook(stage, 'quick', undefined, settings),
      await startHook(
        stage,
        'slow',
        async (_arrival, response) => {
          await delay(20)
          response.writeHead(204).end()
        },
        settings,
      ),
      await startHook(
        stage,
        'holding',
        (arrival, response) => {
          if (arrival.from === 'a' && acknowledged.size >= 100 && held.length < 8) held.push(arrival)
          else response.writeHead(204).end()
        },
        settings,
      ),
    ]
    // Named by its connections, so that the test can tell when the database has heard the last of it.
    const a = await stage.relay(
      `${database}?application_name=replica-a`,
      hooks.map(({ of }) => of('a')),
    )
    const b = await stage.relay(
      database,
      hooks.map(({ of }) => of('b')),
    )

    const events = newEvents(400)
    const posting = post(events, [a, b], acknowledged)
    await until('answers to be held back', () => held.length === 8)
    await a.end('SIGKILL')
    expect(acknowledged.size).toBeLessThan(events.length)
    await until('the database to have let go of it', async () => {
      const rows = await sql(
        database,
        `select from pg_stat_activity where datname = current_database() and application_name = 'replica-a'`,
      )
      return rows.length === 0
    })
    const leased = await deliveries(database, `d.state = 'leased'`)
    const refused = await posting
    expect(await post(refused, [b], acknowledged)).toEqual([])
    expect(acknowledged).toEqual(new Set(events.map(({ event_id }) => event_id)))

    await everythingIsSettled(database)
    await expectStoredOnce(database, acknowledged, hooks.length)
    const all = await deliveries(database)
    expect(all.filter(({ state }) => state !== 'delivered')).toEqual([])
    const arrivals = hooks.flatMap((hook) => hook.arrivals)
    expect(new Set(arrivals.map(keyOf)).size).toBe(hooks.length * events.length)
    // What the other one had leased it settled itself, under the same token; what the dead one had, it leased again.
    const tokens = new Map(all.map((row) => [`${row.hook} ${row.webhook_id}`, row.lease_token]))
    const leasesSince = (row: DeliveryRow) =>
      (tokens.get(`${row.hook} ${row.webhook_id}`) ?? 0) - row.lease_token
    const inFlight = leased
      .map((row) => ({ ...row, id: row.webhook_id }))
      .filter((row) => leasesSince(row) > 0)
    // Only on a very busy machine: an attempt that was over before the kill, and is repeated because it failed.
    const failed = await sql<{ hook: string; id: string }>(
      database,
      `select a.hook, i.webhook_id as id from seam_relay.attempts a
      join seam_relay.event_ids i on i.seq = a.event_seq where a.status is distinct from 204`,
    )
    const mayBeDoubled = new Set([...inFlight, ...failed].map(keyOf))
    expect([...doubled(arrivals)].filter((key) => !mayBeDoubled.has(key))).toEqual([])
    expect(held.filter((one) => !doubled(arrivals).has(keyOf(one)))).toEqual([])
    // Each was taken over once, by the other one, and nothing else was tried a second time.
    expect(inFlight.filter((one) => leasesSince(one) !== 1)).toEqual([])
    const triedOnce = all.filter((row) => !mayBeDoubled.has(`${row.hook} ${row.webhook_id}`))
    expect(triedOnce.filter(({ attempts }) => attempts !== 1)).toEqual([])
    expect(inFlight.length).toBeGreaterThanOrEqual(held.length - failed.length)
  })

  test('one that was stopped for longer than a lease changes nothing of what the other one has settled', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const names = ['delivered', 'dead', 'under-way'] as const
    const events = Object.fromEntries(names.map((name) => [name, credentialEvent()]))
    const nameOf = (id: string) => names.find((name) => events[name]?.event_id === id)
    let answerLast = () => {}
    const hook = await startHook(
      stage,
      'one',
      ({ from, id }, response) => {
        const name = nameOf(id)
        if (from === 'a' && name !== undefined) {
          // Its verdict, and no end of the answer: it is heard before the stop and counts when the attempt is over.
          response.writeHead(name === 'dead' ? 200 : 500, { 'content-length': 10 })
          response.flushHeaders()
        } else if (name === 'under-way') answerLast = () => response.writeHead(204).end()
        else response.writeHead(name === 'dead' ? 410 : 204).end()
      },
      { timeoutMs: 6000, retry: { initialDelayMs: 50, maxDelayMs: 100 } },
    )
    const a = await stage.relay(database, [hook.of('a')])
    for (const name of names) expect((await a.send(events[name])).status).toBe(202)
    await until('the first attempts', () => hook.arrivals.length === names.length)
    // Once it has heard what was answered later, it has heard the verdicts too.
    await a.send(credentialEvent())
    await until('it to have heard an answer', () => a.logLines.some(({ msg }) => msg === 'delivered'))
    a.child.kill('SIGSTOP')

    const b = await stage.relay(database, [hook.of('b')])
    const fromB = () => hook.arrivals.filter(({ from }) => from === 'b')
    await until('the other one to take them over', () => fromB().length === names.length, LEASE_WAIT_MS)
    const settled = await until('all but one to be settled', async () => {
      const rows = await deliveries(database, 'd.settled_at is not null')
      return rows.length === 3 ? rows : delay(50, null)
    })
    expect(settled).toMatchObject([
      { webhook_id: events['delivered']?.event_id, state: 'delivered', attempts: 1, failures: 0 },
      { webhook_id: events['dead']?.event_id, state: 'dead', attempts: 1 },
      { state: 'delivered', attempts: 1 },
    ])
    a.child.kill('SIGCONT')
    await until(
      'it to be told that it is too late',
      () =>
        a.logLines.filter(({ msg }) => msg === 'a lease ran out before its outcome was written').length === 3,
    )
    expect(statesOf(await deliveries(database, 'd.settled_at is not null'))).toEqual(statesOf(settled))
    expect(await deliveries(database, 'd.settled_at is null')).toMatchObject([
      { webhook_id: events['under-way']?.event_id, state: 'leased', attempts: 1, failures: 0 },
    ])
    answerLast()
    await everythingIsSettled(database)
    // Both go on, and when both have come to their end nothing has been sent again.
    for (const relay of [a, b]) expect((await relay.send(credentialEvent())).status).toBe(202)
    await everythingIsSettled(database)
    expect(await Promise.all([a.end('SIGTERM'), b.end('SIGTERM')])).toEqual([0, 0])
    const ids = new Set(settled.map((row) => row.webhook_id))
    const rows = await deliveries(database)
    expect(statesOf(rows.filter((row) => ids.has(row.webhook_id)))).toEqual(statesOf(settled))
    expect(rows.find((row) => row.webhook_id === events['under-way']?.event_id)).toMatchObject({
      state: 'delivered',
      attempts: 2,
      failures: 0,
    })
    expect(hook.arrivals).toHaveLength(3 + 3 + 3)
    // The answers that it got too late are recorded all the same.
    const history = await sql(
      database,
      `select a.attempt, a.status from seam_relay.attempts a join seam_relay.event_ids i on i.seq = a.event_seq
      where i.webhook_id = $1 order by a.attempt`,
      [events['delivered']?.event_id],
    )
    expect(history).toEqual([
      { attempt: 1, status: 204 },
      { attempt: 2, status: 500 },
    ])
  })

  test('an id that comes to both at once, many times over, is accepted once and delivered once', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const hook = await startHook(stage, 'one')
    const relays = await Promise.all(['a', 'b'].map((replica) => stage.relay(database, [hook.of(replica)])))
    const same = newEvents(50).map((event) => [event])
    const different = newEvents(15).map((event) =>
      [1, 2, 3].map(() => ({ ...event, acs_system_id: randomUUID() })),
    )
    const posts = [
      ...same.flatMap((contents) => Array.from({ length: 10 }, () => contents).flat()),
      ...different.flatMap((contents) => Array.from({ length: 4 }, () => contents).flat()),
    ]
    const answers = await Promise.all(
      posts.map(async (event, index) => {
        const answer = (await relays[index % 2]?.send(event)) as Answer
        return { event, said: `${answer.status} ${String(answer.body['status'])}`, answer }
      }),
    )
    const expectedIds = [...same, ...different].map(([event]) => event?.event_id as string)
    for (const id of expectedIds) {
      const about = answers.filter(({ event }) => event.event_id === id)
      const accepted = about.filter(({ said }) => said === '202 accepted')
      expect(accepted).toHaveLength(1)
      const rest = about.filter((one) => one !== accepted[0])
      for (const { event, said } of rest) {
        const isSame = event.acs_system_id === accepted[0]?.event.acs_system_id
        expect(said).toBe(isSame ? '200 duplicate' : '202 quarantined')
      }
    }

    await everythingIsSettled(database)
    await expectStoredOnce(database, expectedIds, 1)
    expect(await Promise.all(relays.map((relay) => relay.end('SIGTERM')))).toEqual([0, 0])
    expect(hook.arrivals.map(({ id }) => id).toSorted()).toEqual(expectedIds.toSorted())
    const accepted = answers.filter(({ said }) => said === '202 accepted')
    expect(hook.arrivals.map(({ body }) => body).toSorted()).toEqual(
      accepted.map(({ event }) => JSON.stringify(event)).toSorted(),
    )
    const quarantined = answers.filter(({ said }) => said === '202 quarantined')
    expect(await sql(database, 'select id, times_seen::int from seam_relay.quarantine order by id')).toEqual(
      quarantined.map(({ answer }) => ({ id: answer.body['id'], times_seen: 1 })).toSorted(byId),
    )
    expect(await sql(database, 'select sum(duplicates)::int as sum from seam_relay.event_ids')).toEqual([
      { sum: answers.filter(({ said }) => said === '200 duplicate').length },
    ])
  })

  test('ordered by credential: one at a time and in the order of acceptance, whichever replica sends', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const credentials = Array.from({ length: 4 }, () => randomUUID())
    const underWay = new Map<string, number>()
    const atOnce: string[] = []
    const failed: string[] = []
    const succeeded = new Map<string, string[]>(credentials.map((credential) => [credential, []]))
    const hook = await startHook(
      stage,
      'one',
      async ({ id, body }, response) => {
        const { acs_credential_id: credential } = JSON.parse(body) as { acs_credential_id: string }
        // One in four fails, told before others come meanwhile; some of those that do fail more than once.
        const fails = hook.arrivals.length % 4 === 0
        const others = underWay.get(credential) ?? 0
        if (others > 0) atOnce.push(id)
        underWay.set(credential, others + 1)
        await delay(10)
        underWay.set(credential, (underWay.get(credential) ?? 0) - 1)
        if (fails) failed.push(id)
        else succeeded.get(credential)?.push(id)
        response.writeHead(fails ? 500 : 204).end()
      },
      {
        ordering: 'credential',
        retry: { initialDelayMs: 20, maxDelayMs: 50 },
        breaker: { failures: 1_000_000, cooldownMs: 1 },
      },
    )
    const relays = await Promise.all(['a', 'b'].map((replica) => stage.relay(database, [hook.of(replica)])))
    const accepted = await Promise.all(
      credentials.map(async (credential, at) => {
        const events = newEvents(20).map((event) => ({ ...event, acs_credential_id: credential }))
        for (const [index, event] of events.entries())
          expect((await relays[(at + index) % 2]?.send(event))?.status).toBe(202)
        return [credential, events.map(({ event_id }) => event_id)] as const
      }),
    )
    await everythingIsSettled(database)
    expect(atOnce).toEqual([])
    expect(succeeded).toEqual(new Map(accepted))
    expect(failed.length).toBeGreaterThan(5)
    expect(new Set(hook.arrivals.map(({ from }) => from))).toEqual(new Set(['a', 'b']))
  })

  test('SIGTERM to one under load: it exits 0, the other does the rest, and nothing comes twice', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const answering: Answering = async (_arrival, response) => {
      await delay(30)
      response.writeHead(204).end()
    }
    const hooks = [
      await startHook(stage, 'any-order', answering, { concurrency: 4 }),
      await startHook(stage, 'ordered', answering, { ordering: 'credential' }),
    ]
    const a = await stage.relay(
      database,
      hooks.map(({ of }) => of('a')),
    )
    const b = await stage.relay(
      database,
      hooks.map(({ of }) => of('b')),
    )
    const acknowledged = new Set<string>()
    const events = newEvents(300)
    const posting = post(events, [a, b], acknowledged)
    await until('load', () => acknowledged.size >= 100)
    expect(await a.end('SIGTERM')).toBe(0)
    expect(a.logLines.at(-1)).toMatchObject({ msg: 'stopped' })
    // It has let go of all that it had, and nothing of it waits for a lease to run out.
    const sentByA = hooks.flatMap(({ arrivals }) => arrivals).filter(({ from }) => from === 'a').length
    expect(sentByA).toBeGreaterThan(0)
    expect(await post(await posting, [b], acknowledged)).toEqual([])
    await everythingIsSettled(database)
    await expectStoredOnce(database, acknowledged, hooks.length)
    const arrivals = hooks.flatMap((hook) => hook.arrivals)
    expect(arrivals.filter(({ from }) => from === 'a')).toHaveLength(sentByA)
    expect(doubled(arrivals)).toEqual(new Set())
    expect(arrivals).toHaveLength(hooks.length * events.length)
    expect(await deliveries(database, `d.attempts <> 1 or d.state <> 'delivered'`)).toEqual([])
  })

  test('five that start at once on an empty database all come up, and share what waits', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const proxy = await stage.proxy(database)
    // With less room than comes, so that they vie for each delivery.
    const hook = await startHook(
      stage,
      'one',
      async (_arrival, response) => {
        await delay(5)
        response.writeHead(204).end()
      },
      { concurrency: 2 },
    )
    proxy.freeze()
    const launched = Array.from({ length: 5 }, (_, index) => stage.launch(proxy.url, [hook.of(`${index}`)]))
    await until('all to be at the door', () => proxy.connections() === launched.length)
    proxy.thaw()
    const relays = await Promise.all(launched.map((relay) => relay.listening()))
    expect(await sql(database, 'select count(*)::int as count from seam_relay.schema_version')).toEqual([
      { count: 1 },
    ])
    for (const relay of relays) expect((await fetch(`${relay.url}/readyz`)).status).toBe(200)
    const events = newEvents(300)
    const acknowledged = new Set<string>()
    expect(await post(events, relays, acknowledged)).toEqual([])
    await everythingIsSettled(database)
    await expectStoredOnce(database, acknowledged, 1)
    expect(doubled(hook.arrivals)).toEqual(new Set())
    expect(new Set(hook.arrivals.map(({ from }) => from)).size).toBe(relays.length)
  })

  test('without hints from one to another, deliveries still go out, and the hints come back', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const proxy = await stage.proxy(database)
    let answerFirst = () => {}
    const hook = await startHook(
      stage,
      'one',
      ({ from }, response) => {
        if (from === 'a') answerFirst = () => response.writeHead(204).end()
        else response.writeHead(204).end()
      },
      { timeoutMs: 120_000 },
    )
    const signals = () =>
      sql<{ pid: number }>(
        database,
        `select pid from pg_stat_activity where datname = current_database()
          and application_name = 'seam-relay signal' and state = 'idle'`,
      )
    // The one that takes webhooks in has no room for a second delivery, so that only the other can make them.
    const a = await stage.relay(proxy.url, [{ ...hook.of('a'), concurrency: 1 }])
    await a.send(credentialEvent())
    await until('it to be busy', () => hook.arrivals.length === 1)
    const b = await stage.relay(proxy.url, [hook.of('b')])
    const before = await until('both to listen', async () => {
      const rows = await signals()
      return rows.length === 2 ? rows : delay(100, null)
    })

    proxy.refuse('seam-relay signal')
    await sql(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'seam-relay signal'`,
    )
    for (let sent = 1; sent <= 5; sent++) {
      expect((await a.send(credentialEvent())).status).toBe(202)
      await until('it to be delivered by the other', () => hook.arrivals.length === sent + 1)
    }
    expect(await signals()).toEqual([])
    for (const relay of [a, b]) expect((await fetch(`${relay.url}/readyz`)).status).toBe(200)

    proxy.refuse(null)
    const after = await until('both to listen again', async () => {
      const rows = await signals()
      return rows.length === 2 ? rows : delay(100, null)
    })
    expect(after.filter(({ pid }) => before.some((one) => one.pid === pid))).toEqual([])
    const listener = new Client(database)
    const heardFrom: number[] = []
    listener.on('notification', ({ processId }) => heardFrom.push(processId))
    await listener.connect()
    await listener.query('listen seam_relay_due')
    await a.send(credentialEvent())
    await until('a hint', () => heardFrom.length > 0)
    await listener.end()
    expect(after.map(({ pid }) => pid)).toContain(heardFrom[0])
    answerFirst()
    await everythingIsSettled(database)
    expect(doubled(hook.arrivals)).toEqual(new Set())
  })
})

function byId(one: { id: unknown }, other: { id: unknown }): number {
  return String(one.id) < String(other.id) ? -1 : 1
}
