import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { expect, test } from 'vitest'
import type { Connections, Row } from '../../src/store/postgres/connections.ts'
import { Claimer } from '../../src/store/postgres/claimer.ts'
import { BY_INDEX } from '../../src/store/postgres/connections.ts'
import { migrate } from '../../src/store/postgres/migrations.ts'
import { FREE, HOOKS_OF_LEASES } from '../../src/store/postgres/statements/free-leases.ts'
import { listEvents } from '../../src/store/postgres/statements/list-events.ts'
import { search } from '../../src/store/postgres/statements/search.ts'
import { settle } from '../../src/store/postgres/statements/settle.ts'
import { storyOf } from '../../src/store/postgres/statements/story-of.ts'
import { eventsScan } from '../../src/store/bounded-page.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newDatabase } from '../support/postgres.ts'
import { connect, executed, pagesOf, planOf, scansOf, stepsOf } from './explain.ts'

// The store plans each statement once on each connection. A relay that was started while nothing was due keeps those
// plans when a receiver goes away and 50,000 deliveries come to wait. The index of what is due is nearly empty at first,
// so the planner thinks that reading all of it costs nothing.

const DELIVERED = 100_000
const WAITING = 50_000
/** Those that are out, one for each credential, are the first of what waits. */
const FIRST_WAITING = DELIVERED + 1
/** What a call may touch: some thirty pages for each row that it looks at or writes. */
const PAGES_AT_MOST = 6000

test.each([4, 1000])(
  'ordered claim and settle cost little with 50,000 waiting of %d credentials, by plans from before',
  async (credentials) => {
    const calls: Record<string, (connections: Connections) => Promise<unknown>> = {
      'claim in order': (connections) =>
        new Claimer(connections, systemClock).claim([
          { hook: 'due', limit: 64, maxBytes: 8_388_608, leaseMs: 60_000, ordered: true },
        ]),
      'settle in order': (connections) => settle(connections, outcomes(Math.min(64, credentials))),
    }
    const client = await connect(await newDatabase())
    await migrate(client)
    await client.query('alter table seam_relay.deliveries set (autovacuum_enabled = off)')
    await client.query(deliveredRows(credentials))
    await client.query('vacuum analyze')
    await client.query(`${BY_INDEX}`)
    const prepared = await prepareAll(client, calls)

    await client.query(waitingRows('due', credentials))
    await client.query(waitingRows('blocked', credentials))
    await client.query(`update seam_relay.deliveries set
      state = case when event_seq < ${FIRST_WAITING + credentials} then 'leased' else state end,
      due_at = case when event_seq < ${FIRST_WAITING + credentials} then now() + interval '1 hour' else 'infinity' end
      where hook = 'blocked' and event_seq >= ${FIRST_WAITING}`)

    for (const { call, name, execution } of prepared) {
      const plan = await planOf(client, `explain (analyze, buffers, format json) ${execution}`)
      const byDue = scansOf(plan).filter(({ index }) => index === 'deliveries_due')
      expect([call, name, pagesOf(plan)]).toEqual([
        call,
        name,
        expect.toSatisfy((n: number) => n < PAGES_AT_MOST),
      ])
      // What is due, when the next will be, and whether anything is blocked; never a delivery whose key is known.
      expect(byDue.length).toBeLessThanOrEqual(name === 'claim-in-order' ? 2 : 1)
    }
  },
  120_000,
)

test('freeing what a gone replica had leased costs little with 50,000 waiting, by plans from before', async () => {
  const gone = randomUUID()
  const client = await connect(await newDatabase())
  await migrate(client)
  await client.query('alter table seam_relay.deliveries set (autovacuum_enabled = off)')
  await client.query(deliveredRows(1000))
  await client.query('vacuum analyze')
  await client.query(`${BY_INDEX}`)
  await client.query(`prepare hooks as ${HOOKS_OF_LEASES.text}; prepare free as ${FREE.text}`)
  const free = (dueAt: string, seq: number) => executed('free', ['due', dueAt, seq, [gone]])
  await client.query(`begin; ${executed('hooks', [])}; ${free('2000-01-01', 0)}; rollback`)

  // What waits is due later, one after the other; a few hundred between are out, half of them at the gone replica.
  await client.query(
    `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, leased_by)
       select n, hook, case when n % 100 = 0 then 'leased' else 'pending' end, now() + n * interval '1 ms', now(),
         case when n % 200 = 0 then $1::uuid when n % 100 = 0 then gen_random_uuid() end
       from generate_series(${FIRST_WAITING}, ${FIRST_WAITING + WAITING - 1}) n, unnest(array['due', 'blocked']) hook`,
    [gone],
  )

  const pages = async (statement: string) =>
    pagesOf(await planOf(client, `explain (analyze, buffers, format json) ${statement}`))
  expect(await pages(executed('hooks', []))).toBeLessThan(100)
  const touched: number[] = []
  let freed = 0
  for (let at: Row | null = { due_at: '2000-01-01', event_seq: 0 }; at !== null;) {
    const step = free(at['due_at'] as string, Number(at['event_seq']))
    if (touched.length < 10) touched.push(await pages(step))
    const [row] = (await client.query<Row>(step)).rows
    freed += Number(row?.['freed'])
    at = row?.['due_at'] === null ? null : (row as Row)
  }
  expect(Math.max(...touched)).toBeLessThan(PAGES_AT_MOST)
  expect(freed).toBe(WAITING / 200)
}, 120_000)

test('a credential is looked for by a seek for each block, by plans from before there were events', async () => {
  const calls: Record<string, (connections: Connections) => Promise<unknown>> = {
    story: (connections) => storyOf(connections, 'credential-7', 100),
    list: (connections) => listEvents(connections, eventsScan({ credentialId: 'credential-7', limit: 50 })),
    'narrowed list': (connections) =>
      listEvents(connections, eventsScan({ credentialId: 'credential-7', type: 'device.*', limit: 50 })),
    search: (connections) => search(connections, 'credential-7'),
  }
  const client = await connect(await newDatabase())
  await migrate(client)
  await client.query('alter table seam_relay.events set (autovacuum_enabled = off)')
  await client.query(`${BY_INDEX}`)
  const prepared = await prepareAll(client, calls)
  await client.query(`
    insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
        occurred_at, is_sample, accepted_at, body)
      select n, n, '', '', 'acs_credential.issued', '', 'credential-' || n % 50000, '', false, now(), '{}'
      from generate_series(1, ${DELIVERED + WAITING}) n`)
  const explained: unknown[] = []
  for (const { call, name, execution } of prepared) {
    const plan = await planOf(client, `explain (analyze, buffers, format json) ${execution}`)
    const seeks = scansOf(plan).filter(({ index }) => index === 'events_credential_blocks')
    if (seeks.length > 0) explained.push({ call, name, isNarrowed: seeks[0]?.isNarrowed })
    // 37 blocks, at each of which it goes down the index; the search looks at the newest events too.
    expect([call, name, pagesOf(plan)]).toEqual([call, name, expect.toSatisfy((n: number) => n < 700)])
  }
  expect(explained).toEqual([
    { call: 'story', name: 'story-of', isNarrowed: true },
    { call: 'list', name: 'list-events-of-credential', isNarrowed: true },
    { call: 'narrowed list', name: 'list-events-of-credential', isNarrowed: true },
    { call: 'search', name: 'search', isNarrowed: true },
  ])
}, 120_000)

/** Prepares each statement and runs it once, so that its plan is made. */
async function prepareAll(
  client: pg.Client,
  calls: Record<string, (connections: Connections) => Promise<unknown>>,
) {
  const prepared: { call: string; name: string; execution: string }[] = []
  for (const [call, ask] of Object.entries(calls)) {
    for (const [{ name, text }, values] of await stepsOf(ask)) {
      const statement = `"${call}: ${name}"`
      await client.query(`prepare ${statement} as ${text}`)
      const execution = executed(statement, values)
      await client.query(`begin; ${execution}; rollback`)
      prepared.push({ call, name, execution })
    }
  }
  return prepared
}

/** The first of each credential is out, and ends with this. */
function outcomes(count: number) {
  const record = { durationMs: 5, status: 204, errorCode: null, answer: null }
  return Array.from({ length: count }, (_, n) => ({
    eventSeq: FIRST_WAITING + n,
    hook: 'blocked',
    leaseToken: 1,
    record,
    next: { state: 'delivered' } as const,
  }))
}

function deliveredRows(credentials: number): string {
  return `
    insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
        occurred_at, is_sample, accepted_at, body)
      select n, n, '', '', 'acs_credential.issued', '', 'credential-' || n % ${credentials}, '', false, now(), '{}'
      from generate_series(1, ${DELIVERED + WAITING}) n;
    insert into seam_relay.deliveries (event_seq, hook, state, active_since, settled_at, order_key)
      select n, hook, 'delivered', now(), now(), 'credential-' || n % ${credentials}
      from generate_series(1, ${DELIVERED}) n, unnest(array['due', 'blocked']) hook`
}

function waitingRows(hook: string, credentials: number): string {
  return `
    insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, order_key, lease_token)
      select n, '${hook}', 'pending', now(), now(), 'credential-' || n % ${credentials}, 1
      from generate_series(${FIRST_WAITING}, ${FIRST_WAITING + WAITING - 1}) n`
}
