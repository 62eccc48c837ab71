import type pg from 'pg'
import { expect, test } from 'vitest'
import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'
import type { ReplayScope } from '../../src/store/replay-jobs.ts'
import type { AcceptRequest, NextState, Settlement } from '../../src/store/store.ts'
import { acceptAll } from '../../src/store/postgres/statements/accept.ts'
import { Claimer } from '../../src/store/postgres/claimer.ts'
import { BY_INDEX } from '../../src/store/postgres/connections.ts'
import type { Connections, Step } from '../../src/store/postgres/connections.ts'
import { deliveriesOf } from '../../src/store/postgres/statements/deliveries-of.ts'
import { deliveriesScan, eventsScan, quarantineScan } from '../../src/store/bounded-page.ts'
import type { ListDeliveries, ListEvents } from '../../src/store/listings.ts'
import { storedEvents, summariesOf } from '../../src/store/postgres/statements/event-rows.ts'
import { failures } from '../../src/store/postgres/statements/failures.ts'
import { findEvent } from '../../src/store/postgres/statements/find-event.ts'
import { listDeliveries, summariesOfDeliveries } from '../../src/store/postgres/statements/list-deliveries.ts'
import { listEvents } from '../../src/store/postgres/statements/list-events.ts'
import { listQuarantine } from '../../src/store/postgres/statements/list-quarantine.ts'
import { search } from '../../src/store/postgres/statements/search.ts'
import { storyOf } from '../../src/store/postgres/statements/story-of.ts'
import { codesOf, undeliveredOf } from '../../src/store/postgres/statements/undelivered-of.ts'
import { migrate } from '../../src/store/postgres/migrations.ts'
import { prune } from '../../src/store/postgres/statements/prune.ts'
import { discard } from '../../src/store/postgres/statements/discard.ts'
import { dismiss } from '../../src/store/postgres/statements/dismiss.ts'
import { countReplay } from '../../src/store/postgres/statements/replay-walk.ts'
import { takeStep } from '../../src/store/postgres/statements/step-replay.ts'
import { settle } from '../../src/store/postgres/statements/settle.ts'
import { stats } from '../../src/store/postgres/statements/stats.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { connect, executed, pagesOf, planOf, scansOf, stepsOf } from './explain.ts'
import type { PlanNode, Scan } from './explain.ts'

// What a call costs must not depend on how much has been delivered before, whatever the statistics say at the moment:
// they are minutes old on a busy table, and there are none on a new one. So each statement that the store sends on its
// way from acceptance to delivery is planned and run beside a little history and beside a million deliveries.

const FEW = 1000
const MANY = 1_000_000
const UNDELIVERED = 4000
const DEAD = 128
/** The last, as if each had begun before the others: what looks for a later one in vain passes all of them. */
const LEASED = 2000
const SETTLED = 64
const CREDENTIALS = 1000
const LONG_AGO = `now() - interval '10 days'`
/** The SQLSTATE of a statement that took longer than it may. */
const TIMED_OUT = '57014'
const DAY_MS = 86_400_000

/** What is undelivered has its numbers from here, beside however much history. */
const FIRST_UNDELIVERED = 10_000_001

/**
 * Of a credential's events each block of numbers is a seek of some three pages, whether anything is in it or not. There are
 * 2,442 blocks up to the first undelivered.
 */
const EVERY_BLOCK = 9000

/** A level more in an index is a page more for each row that is looked up; a scan of the million would be thousands. */
const SLACK = 500

/** A replay that is running, and its step. */
const REPLAY_ID = '4f1d4c7e-3f0a-4c3e-9d55-0d6a4ef9b001'
const STEP = { id: REPLAY_ID, limit: 100, pauseMs: 0, orderedHooks: ['new', 'ordered'] }

type Ask = (connections: Connections) => Promise<unknown>

/** Taking in has connections of its own; the settings of the others are these. */
const SETTINGS = { intake: 'reset all', others: `reset all; ${BY_INDEX}` }

interface Call {
  on: keyof typeof SETTINGS
  ask: Ask
  /** An index of which it reads as much as it may from the end or the beginning. */
  fromItsEnd?: RegExp
  /** Pages of tables and indices that it may touch in all: for each row some thirty, those that it writes included. */
  pagesAtMost?: number
}

const CALLS: Record<string, Call> = {
  accept: { pagesAtMost: 2000, on: 'intake', ask: (connections) => acceptAll(connections, acceptances(64)) },
  claim: {
    pagesAtMost: 2000,
    on: 'others',
    ask: (connections) => new Claimer(connections, systemClock).claim([{ ...WANT, hook: 'any' }]),
  },
  'claim in order': {
    pagesAtMost: 4000,
    on: 'others',
    ask: (connections) =>
      new Claimer(connections, systemClock).claim([{ ...WANT, hook: 'ordered', ordered: true }]),
  },
  'settle as delivered': {
    pagesAtMost: 2000,
    on: 'others',
    ask: (connections) => settle(connections, settled({ state: 'delivered' })),
  },
  'settle for later': {
    pagesAtMost: 2000,
    on: 'others',
    ask: (connections) => settle(connections, settled({ state: 'pending', delayMs: 1000, failures: 1 })),
  },
  prune: {
    pagesAtMost: 1000,
    on: 'others',
    ask: (connections) => prune(connections, { payloadAgeMs: DAY_MS, dedupAgeMs: DAY_MS, limit: 100 }),
  },
  stats: { on: 'others', ask: stats },
  'history of an event': {
    pagesAtMost: 100,
    on: 'others',
    ask: (connections) => deliveriesOf(connections, 'undelivered-100'),
  },
  ...replayCalls('an event', { webhookIds: ['undelivered-100'] }, { seqs: [FIRST_UNDELIVERED + 100] }),
  ...replayCalls('the dead', {}),
  ...replayCalls('the dead of a hook', { hook: 'any' }, { hook: 'any' }),
  ...replayCalls('the dead of an ordered hook', { hook: 'ordered' }, { hook: 'ordered' }),
  ...replayCalls('the dead of a code', { code: 'timeout' }),
  ...replayCalls(
    'a day',
    { since: Date.now() - DAY_MS, states: ['pending', 'delivered', 'dead'] },
    { seq: FIRST_UNDELIVERED },
  ),
  ...replayCalls('all from the beginning', { states: ['pending', 'delivered', 'dead'] }),
  ...replayCalls('what is missing', { hook: 'new', missing: { events: ['*'], workspaces: null } }),
  ...replayCalls(
    'missing events that are named',
    {
      hook: 'new',
      missing: { events: ['*'], workspaces: null },
      webhookIds: ['undelivered-100'],
    },
    { seqs: [FIRST_UNDELIVERED + 100] },
  ),
  ...eventLists({}),
  ...eventLists({ type: 'device.*', workspaceId: 'x' }),
  ...eventLists({ since: Date.now() - DAY_MS, until: Date.now() }),
  ...eventLists({ credentialId: 'credential-1' }, 8000 + EVERY_BLOCK),
  'event by its id': { ...reading(500), ask: (connections) => findEvent(connections, 'undelivered-100') },
  'newest sample': {
    ...reading(6000, /^events_pkey$/),
    ask: (connections) => findEvent(connections, SAMPLE_EVENT_ID),
  },
  'story of a credential': {
    ...reading(500 + EVERY_BLOCK),
    ask: (connections) => storyOf(connections, 'credential-1', 100),
  },
  search: {
    ...reading(6000 + EVERY_BLOCK, /^events_pkey$/),
    ask: (connections) => search(connections, 'undelivered-100'),
  },
  'events that are shown': { ...reading(4000), ask: (connections) => summariesOf(connections, SHOWN) },
  'events with their bodies': { ...reading(4000), ask: (connections) => storedEvents(connections, SHOWN) },
  ...deliveryLists({}),
  ...deliveryLists({ hook: 'any', code: 'timeout' }),
  ...deliveryLists({ state: 'dead', code: 'timeout' }),
  ...deliveryLists({ state: 'dead', hook: 'any' }),
  ...deliveryLists({ state: 'pending' }),
  ...deliveryLists({ state: 'leased', hook: 'any' }),
  ...deliveryLists({ state: 'delivered', code: 'timeout' }),
  'deliveries that are shown': {
    ...reading(4000),
    ask: (connections) =>
      summariesOfDeliveries(
        connections,
        SHOWN.map((at) => ({ at, name: 'any' })),
      ),
  },
  failures: { ...reading(20_000), ask: (connections) => failures(answering(connections)) },
  'undelivered revocations': {
    ...reading(20_000),
    ask: (connections) => undeliveredOf(answering(connections), ['acs_credential.deleted'], 0),
  },
  'codes of the oldest': {
    ...reading(500),
    ask: (connections) => codesOf(connections, [{ seq: FIRST_UNDELIVERED, hook: 'any' }]),
  },
  'quarantine list': {
    ...reading(100),
    ask: (connections) => listQuarantine(connections, quarantineScan({ limit: 50 })),
  },
  discard: {
    pagesAtMost: 4000,
    on: 'others',
    ask: (connections) => discard(connections, { hook: 'any', limit: STEP.limit }),
  },
  dismiss: {
    pagesAtMost: 4000,
    on: 'others',
    ask: (connections) => dismiss(connections, { hook: 'any', limit: STEP.limit }),
  },
}
const WANT = { limit: 64, maxBytes: 8_388_608, leaseMs: 60_000 }
/** Their rows are few, and they read all of them. */
const READING_ALL = ['stats']

const SHOWN = Array.from({ length: 50 }, (_, n) => FIRST_UNDELIVERED + n)

/** A question that may touch so many pages, and may read an index from its end up to a limit. */
function reading(pagesAtMost: number, fromItsEnd?: RegExp): Omit<Call, 'ask'> {
  return { on: 'others', pagesAtMost, ...(fromItsEnd === undefined ? {} : { fromItsEnd }) }
}

function eventLists(filter: Omit<ListEvents, 'limit'>, pagesAtMost = 8000): Record<string, Call> {
  const scan = eventsScan({ ...filter, limit: 50 })
  return {
    [`events with ${Object.keys(filter).join(' and ') || 'no filter'}`]: {
      ...reading(pagesAtMost),
      ask: (connections) => listEvents(connections, scan),
    },
  }
}

function deliveryLists(filter: Omit<ListDeliveries, 'limit'>): Record<string, Call> {
  const scan = deliveriesScan({ ...filter, limit: 50 })
  return {
    [`deliveries with ${JSON.stringify(filter)}`]: {
      ...reading(40_000, /^deliveries_order$/),
      ask: (connections) => listDeliveries(answering(connections), scan),
    },
  }
}

/** Knows the hooks, and that few deliveries wait, so that what is asked after these is sent too. */
function answering(connections: Connections): Connections {
  const run: Connections['run'] = async (statement, values) => {
    const rows = await connections.run(statement, values)
    if (statement.name.startsWith('hooks-with')) return [{ hook: 'any' }, { hook: 'ordered' }]
    return statement.name.startsWith('count-undelivered') ? [{ count: 1 }] : rows
  }
  const transaction: Connections['transaction'] = (steps) => connections.transaction(steps)
  return { run, transaction } as Connections
}

/** Counting and putting back, each one step of it from somewhere in the middle. */
function replayCalls(
  name: string,
  scope: ReplayScope,
  at: { seq?: number; hook?: string; seqs?: number[] } = {},
): Record<string, Call> {
  const walk = { seq: 0, hook: '', uptoSeq: FIRST_UNDELIVERED + UNDELIVERED, seqs: null, ...at }
  const job = { id: REPLAY_ID, scope, perSecond: null, steps: 0, walk }
  return {
    [`count for a replay of ${name}`]: {
      pagesAtMost: 20_000,
      on: 'others',
      ask: (connections) => countReplay(connections, { scope, limit: 1000, after: walk }),
    },
    [`replay of ${name}`]: {
      pagesAtMost: 20_000,
      on: 'others',
      ask: (connections) => takeStep(connections, job, STEP),
    },
  }
}

interface Explained {
  call: string
  statement: string
  planned: 'generic' | 'custom'
  statistics: boolean
  /** Whatever scans a table of the store. */
  scans: Scan[]
  /** Pages of tables and indices that it touched. */
  pages: number
}

test('no call costs more because of what has been delivered, with and without statistics', async () => {
  const few = await explainAll(await databaseWith(FEW))
  const many = await explainAll(await databaseWith(MANY))

  expect(few.length).toBeGreaterThan(60)
  expect([...few, ...many].flatMap(straysOf)).toEqual([])
  const grown = many.filter(({ pages }, n) => pages > 1.5 * (few[n] as Explained).pages + SLACK)
  expect(grown.map((one) => ({ ...one, pagesBefore: few[many.indexOf(one)]?.pages }))).toEqual([])
  const large = [...few, ...many].filter(({ call, pages }) => pages > (CALLS[call]?.pagesAtMost ?? Infinity))
  expect(large).toEqual([])
}, 120_000)

/** Scans of the store's tables that may read more than the rows asked for. */
function straysOf({ scans, ...about }: Explained): unknown[] {
  return scans
    .filter(({ type, index, isNarrowed }) => {
      if (CALLS[about.call]?.fromItsEnd?.test(index ?? '') === true) return false
      if (READING_ALL.includes(about.call) && /^deliveries_(order|given_up)$/.test(index ?? '')) return false
      return !/^Index (Only )?Scan$/.test(type) || !isNarrowed
    })
    .map((scan) => ({ ...about, scan }))
}

async function explainAll(client: pg.Client): Promise<Explained[]> {
  const explained: Explained[] = []
  for (const statistics of [false, true]) {
    if (statistics) await client.query('analyze')
    for (const [call, { on, ask }] of Object.entries(CALLS)) {
      await client.query(SETTINGS[on])
      for (const step of await stepsOf(ask)) {
        for (const planned of ['generic', 'custom'] as const) {
          const plan = await explain(client, step, planned)
          explained.push({
            call,
            statement: step[0].name,
            planned,
            statistics,
            scans: scansOf(plan),
            pages: pagesOf(plan),
          })
        }
      }
    }
  }
  return explained
}

/** Runs the statement, as it would be run for the sixth time or for the first, and takes back what it did. */
async function explain(client: pg.Client, step: Step, planned: 'generic' | 'custom'): Promise<PlanNode> {
  const [{ text }, values] = step
  await client.query(`set plan_cache_mode = force_${planned}_plan; prepare one as ${text}`)
  const call = executed('one', values)
  try {
    return await planOf(client, `explain (analyze, buffers, format json) ${call}`)
  } catch (error) {
    if ((error as { code?: string }).code !== TIMED_OUT) throw error
    const plan = await planOf(client, `explain (format json) ${call}`)
    return { ...plan, 'Shared Hit Blocks': Infinity }
  } finally {
    await client.query('deallocate one')
  }
}

/**
 * Delivered events from ten days ago, and after them new ones that are not delivered yet.
 */
async function databaseWith(delivered: number): Promise<pg.Client> {
  const url = await newDatabase()
  const client = await connect(url)
  await migrate(client)
  // There are no statistics until they are asked for.
  for (const table of ['event_ids', 'events', 'deliveries', 'attempts'])
    await client.query(`alter table seam_relay.${table} set (autovacuum_enabled = off)`)
  await client.query("select setval('seam_relay.event_seq', $1)", [FIRST_UNDELIVERED + UNDELIVERED])
  await withoutIndices(client, url, () => writeAtOnce(url, deliveredRows(delivered)))
  await writeAtOnce(url, undeliveredRows())
  await client.query(
    `insert into seam_relay.replays
       (number, id, scope, would_replay, state, at_seq, at_hook, upto_seq, created_at, next_step_at)
     values (1, $1, '{}', 0, 'running', 0, '', 0, now(), now())`,
    [REPLAY_ID],
  )
  return client
}

/** Each on a connection of its own. */
async function writeAtOnce(url: string, statements: readonly string[]): Promise<void> {
  await Promise.all(statements.map((statement) => sql(url, statement)))
}

/** An index that is built at the end takes a third of the time that an entry for each row takes. */
async function withoutIndices(client: pg.Client, url: string, write: () => Promise<void>): Promise<void> {
  const { rows: keys } = await client.query(`
    select conname as name, conrelid::regclass as of, pg_get_constraintdef(oid) as definition
    from pg_constraint where connamespace = 'seam_relay'::regnamespace and contype in ('p', 'u')`)
  for (const { name, of } of keys) await client.query(`alter table ${of} drop constraint ${name}`)
  const { rows: indices } = await client.query(
    `select indexname as name, indexdef as definition from pg_indexes where schemaname = 'seam_relay'`,
  )
  for (const { name } of indices) await client.query(`drop index seam_relay.${name}`)
  await write()
  for (const { definition } of indices) await client.query(definition)
  const built = Map.groupBy(keys, ({ of }) => of as string).values()
  await writeAtOnce(
    url,
    [...built].map((some) =>
      some
        .map(({ of, name, definition }) => `alter table ${of} add constraint ${name} ${definition}`)
        .join(';'),
    ),
  )
}

function deliveredRows(count: number): string[] {
  const rows = `from generate_series(1, ${count}) n`
  return [
    `insert into seam_relay.event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at)
       select n, 'delivered-' || n, 'x', ${LONG_AGO}, ${LONG_AGO} ${rows}`,
    `insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
         occurred_at, is_sample, accepted_at, body)
       select n, 'delivered-' || n, '', '', 'acs_credential.issued', '', 'credential-' || n % ${CREDENTIALS}, '', false,
         ${LONG_AGO}, '{}' ${rows}`,
    `insert into seam_relay.deliveries (event_seq, hook, state, attempts, active_since, settled_at, order_key)
       select n, (array['any', 'ordered'])[1 + n % 2], 'delivered', 1, ${LONG_AGO}, ${LONG_AGO},
         'credential-' || n % ${CREDENTIALS} ${rows}`,
    `insert into seam_relay.attempts (event_seq, hook, attempt, started_at, duration_ms, status)
       select n, (array['any', 'ordered'])[1 + n % 2], 1, ${LONG_AGO}, 5, 204 ${rows}`,
  ]
}

/** Both hooks want each of these. The first are dead, the last leased, and the rest due. */
function undeliveredRows(): string[] {
  const rows = `from generate_series(0, ${UNDELIVERED - 1}) n`
  const seq = `${FIRST_UNDELIVERED} + n`
  return [
    `insert into seam_relay.event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at)
       select ${seq}, 'undelivered-' || n, 'x', now(), now() ${rows}`,
    `insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
         occurred_at, is_sample, accepted_at, body)
       select ${seq}, 'undelivered-' || n, '', '', 'acs_credential.issued', '', 'credential-' || n % ${CREDENTIALS}, '',
         false, now(), '{}' ${rows}`,
    `insert into seam_relay.deliveries
         (event_seq, hook, state, due_at, lease_token, active_since, settled_at, order_key)
       select ${seq}, hook, state, case state when 'leased' then now() + interval '1 hour' when 'pending' then now() end,
         1, now(), case state when 'dead' then now() end,
         case state when 'leased' then 'leased-' || n else 'credential-' || n % ${CREDENTIALS} end
       from (select n, case when n < ${DEAD} then 'dead' when n >= ${UNDELIVERED - LEASED} then 'leased' else 'pending'
         end as state ${rows}) s, unnest(array['any', 'ordered']) hook`,
  ]
}

/** What became of those that are leased. */
function settled(next: NextState): Settlement[] {
  const record = { durationMs: 5, status: 204, errorCode: null, answer: null }
  return Array.from({ length: SETTLED }, (_, n) => ({
    eventSeq: FIRST_UNDELIVERED + UNDELIVERED - LEASED + n,
    hook: 'any',
    leaseToken: 1,
    record,
    next,
  }))
}

function acceptances(count: number): AcceptRequest[] {
  return Array.from({ length: count }, (_, n) => ({
    dedupKey: `new-${n}`,
    webhookId: `new-${n}`,
    messageId: `msg_${n}`,
    source: 'webhook' as const,
    event: {
      eventId: `new-${n}`,
      eventType: 'acs_credential.issued',
      workspaceId: '',
      credentialId: `credential-${n}`,
      occurredAt: '',
      createdAt: '',
      systemId: null,
      accountId: null,
      isSample: false,
      contentHash: 'x',
      body: '{}',
    },
    deliveries: [{ hook: 'any' }, { hook: 'ordered' }],
  }))
}
