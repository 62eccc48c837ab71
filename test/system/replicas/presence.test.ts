import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { credentialEvent, credentialEvents } from '../../support/credential-event.ts'
import { sql } from '../../support/postgres.ts'
import { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { doubled, keyOf, startHook } from './hook.ts'
import { everythingIsSettled } from './stored.ts'

/** Long enough that no lease runs out while a test waits. */
const LONG_TIMEOUT_MS = 120_000

describe.concurrent('replicas that know of each other', { timeout: 180_000 }, () => {
  test('what a killed replica had leased is sent by the other long before the leases end', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const hook = await startHook(
      stage,
      'one',
      ({ from }, response) => (from === 'a' ? null : response.writeHead(204).end()),
      { timeoutMs: LONG_TIMEOUT_MS, concurrency: 3 },
    )
    const a = await stage.relay(database, [hook.of('a')])
    const events = credentialEvents(3)
    for (const event of events) await a.send(event)
    await untilPatiently('all to be under way', () => hook.arrivals.length === 3)
    await stage.relay(database, [hook.of('b')])
    await othersAreKnown(database, 2)
    const killedAt = performance.now()
    await a.end('SIGKILL')
    const fromB = () => hook.arrivals.filter(({ from }) => from === 'b')
    await untilPatiently('the other to send them', () => fromB().length === 3)
    expect(performance.now() - killedAt).toBeLessThan(LONG_TIMEOUT_MS / 2)
    await everythingIsSettled(database)
    expect(fromB().map(keyOf).toSorted()).toEqual(
      events.map(({ event_id: id }) => keyOf({ hook: 'one', id })).toSorted(),
    )
    expect(await sql(database, 'select from seam_relay.replicas')).toHaveLength(1)
  })

  test('a replica that wakes from a long pause sends nothing of what it had waiting', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const held: (() => void)[] = []
    const hook = await startHook(
      stage,
      'one',
      ({ from }, response) => {
        const answer = () => void response.writeHead(204).end()
        if (from === 'a' && held.length < 1) held.push(answer)
        else answer()
      },
      { timeoutMs: LONG_TIMEOUT_MS, concurrency: 1 },
    )
    // Alone, it has two more waiting behind the one that it sends.
    const a = await stage.relay(database, [hook.of('a')])
    await othersAreKnown(database, 1)
    await hasLookedForMore(database)
    const [inFlight, ...waiting] = credentialEvents(3)
    await a.send(inFlight)
    await untilPatiently('the first to be under way', () => hook.arrivals.length === 1)
    for (const event of waiting) await a.send(event)
    await untilPatiently('the others to be leased too', async () => {
      const rows = await sql(database, `select from seam_relay.deliveries where leased_by is not null`)
      return rows.length === 3 || delay(50, false)
    })
    a.child.kill('SIGSTOP')
    const b = await stage.relay(database, [hook.of('b')])
    await untilPatiently('the other replica to send all', () => hook.arrivals.length === 4)
    await everythingIsSettled(database)
    held[0]?.()
    a.child.kill('SIGCONT')
    await a.logged('the lease ended before the outcome was written: the delivery may be sent again')
    // It goes on.
    const last = credentialEvent()
    expect((await a.send(last)).status).toBe(202)
    await everythingIsSettled(database)
    expect(await Promise.all([a.end('SIGTERM'), b.end('SIGTERM')])).toEqual([0, 0])
    expect([...doubled(hook.arrivals)]).toEqual([keyOf({ hook: 'one', id: inFlight?.event_id as string })])
    expect(hook.arrivals).toHaveLength(5)
    expect(await sql(database, 'select from seam_relay.replicas')).toEqual([])
  })

  test('two replicas share events that one of them accepted', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const held: (() => void)[] = []
    const hook = await startHook(
      stage,
      'one',
      (_arrival, response) => void held.push(() => void response.writeHead(204).end()),
      { concurrency: 1 },
    )
    const [a] = await Promise.all(['a', 'b'].map((replica) => stage.relay(database, [hook.of(replica)])))
    await othersAreKnown(database, 2)
    await everyoneHasAnnouncedAgain(database)
    for (const event of credentialEvents(3)) expect((await a?.send(event))?.status).toBe(202)
    await untilPatiently('one at each replica', () => held.length === 2)
    expect(new Set(hook.arrivals.map(({ from }) => from))).toEqual(new Set(['a', 'b']))
    held[1]?.()
    await untilPatiently('the third to go out where a slot is free', () => held.length === 3)
    expect(hook.arrivals[2]?.from).toBe(hook.arrivals[1]?.from)
    held[0]?.()
    held[2]?.()
    await everythingIsSettled(database)
  })
})

/** A claim has been made from now on. It finds nothing due, and so the next acceptances lease by themselves. */
async function hasLookedForMore(database: string): Promise<void> {
  const [since] = await sql<{ at: string }>(database, 'select statement_timestamp()::text as at')
  await untilPatiently('a claim', async () => {
    const claims = await sql(
      database,
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and state = 'idle' and query like '%wants as materialized%' and query_start > $1::timestamptz`,
      [since?.at],
    )
    return claims.length > 0 || delay(20, false)
  })
}

async function othersAreKnown(database: string, replicas: number): Promise<void> {
  await untilPatiently('the replicas to have announced themselves', async () => {
    const rows = await sql(database, 'select from seam_relay.replicas')
    return rows.length === replicas || delay(50, false)
  })
}

/** Those that announced themselves before the others were there learn of them with their next sign. */
async function everyoneHasAnnouncedAgain(database: string): Promise<void> {
  const [row] = await sql(database, 'select now()::text as at')
  await untilPatiently('each to give another sign', async () => {
    const late = await sql(database, 'select from seam_relay.replicas where last_sign_at < $1', [row?.['at']])
    return late.length === 0 || delay(50, false)
  })
}
