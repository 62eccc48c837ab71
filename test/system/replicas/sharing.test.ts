import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { credentialEvent, credentialEvents } from '../../support/credential-event.ts'
import { sql } from '../../support/postgres.ts'
import type { Answer } from '../../support/relay.ts'
import { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { doubled, startHook } from './hook.ts'
import type { Answering } from './hook.ts'
import { post } from './post.ts'
import { deliveries, everythingIsSettled, expectStoredOnce } from './stored.ts'

describe.concurrent('several replicas on one database', { timeout: 180_000 }, () => {
  test('an event that reaches both replicas at once, many times over, is accepted and delivered once', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const hook = await startHook(stage, 'one')
    const relays = await Promise.all(['a', 'b'].map((replica) => stage.relay(database, [hook.of(replica)])))
    const same = credentialEvents(50).map((event) => [event])
    const different = credentialEvents(15).map((event) =>
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

  test('with ordering by credential, deliveries go one at a time and in order of acceptance, whichever replica sends', async (context) => {
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
        // Every fourth request fails, some deliveries more than once. Decided now, before further requests arrive.
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
        const events = credentialEvents(20).map((event) => ({ ...event, acs_credential_id: credential }))
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

  test('SIGTERM to one replica under load: it exits 0, the other does the rest, and nothing comes twice', async (context) => {
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
    const events = credentialEvents(300)
    const posting = post(events, [a, b], acknowledged)
    await untilPatiently('load', () => acknowledged.size >= 100)
    expect(await a.end('SIGTERM')).toBe(0)
    expect(a.logLines.at(-1)).toMatchObject({ msg: 'stopped' })
    // It has given everything back: no delivery waits for a lease to run out.
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

  test('five replicas that start at once on an empty database all come up, and share the work', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const proxy = await stage.proxy(database)
    // Fewer at a time than there are events, so that the replicas compete for every delivery.
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
    await untilPatiently('all five to connect', () => proxy.connections() === launched.length)
    proxy.thaw()
    const relays = await Promise.all(launched.map((relay) => relay.listening()))
    expect(await sql(database, 'select count(*)::int as count from seam_relay.schema_version')).toEqual([
      { count: 1 },
    ])
    for (const relay of relays) expect((await relay.readyz()).status).toBe(200)
    const events = credentialEvents(300)
    const acknowledged = new Set<string>()
    expect(await post(events, relays, acknowledged)).toEqual([])
    await everythingIsSettled(database)
    await expectStoredOnce(database, acknowledged, 1)
    expect(doubled(hook.arrivals)).toEqual(new Set())
    expect(new Set(hook.arrivals.map(({ from }) => from)).size).toBe(relays.length)
  })

  test('deliveries still go out while replicas cannot notify each other, and the notifications come back', async (context) => {
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
    // The replica that receives the webhooks is busy with the only request it may make, so the other has to deliver.
    const a = await stage.relay(proxy.url, [{ ...hook.of('a'), concurrency: 1 }])
    await a.send(credentialEvent())
    await untilPatiently('it to be busy', () => hook.arrivals.length === 1)
    const b = await stage.relay(proxy.url, [hook.of('b')])
    const before = await untilPatiently('both to listen', async () => {
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
      await untilPatiently('the other replica to deliver it', () => hook.arrivals.length === sent + 1)
    }
    expect(await signals()).toEqual([])
    for (const relay of [a, b]) expect((await relay.readyz()).status).toBe(200)

    proxy.refuse(null)
    const after = await untilPatiently('both to listen again', async () => {
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
    await untilPatiently('a notification', () => heardFrom.length > 0)
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
