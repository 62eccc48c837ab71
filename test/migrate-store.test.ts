import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { CARRIED_TABLES } from '../src/migrate-store/carried-table.ts'
import { HELD_UNTIL } from '../src/store/sqlite/ordering.ts'
import { PostgresStore } from '../src/store/postgres/postgres-store.ts'
import { SqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import type { AcceptRequest, AttemptRecord, ClaimedDelivery, NextState, Store } from '../src/store/store.ts'
import {
  LONG_MS,
  aLaterTime,
  acceptEach,
  acceptance,
  acceptanceAbout,
  changedContent,
  claim,
  claimOne,
  countHooks,
  settleAll,
  settleOne,
  wanting,
} from './store/asking.ts'
import { newDatabase, sql } from './support/postgres.ts'
import { scratchFolder } from './support/scratch.ts'
import { until } from './support/until.ts'

const MAIN = fileURLToPath(new URL('../src/migrate-store/main.ts', import.meta.url))
const TABLES = CARRIED_TABLES.map(({ name }) => name)

test('everything is carried, and the source stays as it is', async () => {
  const { path, lastSeq } = await sourceOfAllSorts()
  const before = inSqlite(path)
  const url = await newDatabase()

  const { code, stdout, stderr } = await migrateStore(path, url)

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('counts agree\n')
  expect(stdout).toMatch(
    /^event_ids 11\/11 {3}events 9\/9 {3}deliveries 10\/10 {3}attempts 5\/5 {3}quarantine 3\/3$/m,
  )
  expect(stdout).toMatch(/^deliveries pending +8 +8$/m)
  // A lease ends when its holder does, as at a start of the relay; nothing else is another than it was.
  const after = inSqlite(path)
  const leased = before['deliveries']?.filter(({ state }) => state === 'leased') ?? []
  expect(leased).toHaveLength(2)
  for (const delivery of leased) {
    const leaseToken = (delivery['lease_token'] as number) + 1
    Object.assign(delivery, { state: 'pending', due_at: expect.any(Number), lease_token: leaseToken })
  }
  expect(after).toEqual(before)

  const held = after['deliveries']?.filter(({ due_at }) => due_at === HELD_UNTIL) ?? []
  expect(held).toHaveLength(2)
  for (const delivery of held) delivery['due_at'] = delivery['active_since']
  expect(await inPostgres(url)).toEqual({
    ...after,
    numbers: [{ last_value: String(lastSeq), is_called: true }],
  })
})

test('every column of every table is carried', async () => {
  const path = await sourceWith(async () => {})
  const url = await newDatabaseOfAStore()
  const inBoth = inFile(path, (db) =>
    db
      .prepare(
        `select t.name || '.' || c.name as name from sqlite_schema t join pragma_table_info(t.name) c
         where t.type = 'table' and t.name not in ('heartbeat', 'sqlite_sequence')`,
      )
      .all()
      .map(({ name }) => name as string)
      .sort(),
  )
  const inTarget = await sql<{ name: string }>(
    url,
    `select table_name || '.' || column_name as name from information_schema.columns
     where table_schema = 'seam_relay' and table_name not in ('heartbeat', 'schema_version', 'event_seq')`,
  )
  expect(inTarget.map(({ name }) => name).sort()).toEqual(inBoth)
  const carried = CARRIED_TABLES.flatMap(({ name, columns }) =>
    Object.keys(columns).map((column) => `${name}.${column}`),
  )
  expect(carried.sort()).toEqual(inBoth)
})

test('the Postgres store goes on where the SQLite store ended', async () => {
  const { path, requests, inOrder, dead, lastSeq } = await sourceOfAllSorts()
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const sqlite = await openSqlite(path)
  const postgres = await openPostgres(url)

  for (const request of requests) {
    expect(await postgres.deliveriesOf(request.webhookId)).toEqual(
      await sqlite.deliveriesOf(request.webhookId),
    )
    expect(await postgres.accept(request)).toEqual({ outcome: 'duplicate' })
    expect(await postgres.accept(changedContent(request))).toMatchObject({ outcome: 'conflict' })
  }

  // Due: what was, what was leased, and of a credential in order the first.
  const hooks = ['now', 'later', 'leased', 'delivered', 'dead']
  expect(countHooks(await claim(postgres, hooks))).toEqual({ now: 3, leased: 1 })
  for (const expected of inOrder) {
    const [first, ...others] = await claimInOrder(postgres)
    expect([first?.webhookId, others]).toEqual([expected.webhookId, []])
    await settleOne(postgres, first as ClaimedDelivery, { state: 'delivered' })
  }
  expect(await postgres.replay({})).toEqual({ replayed: 1 })
  expect(await claimOne(postgres, 'dead')).toMatchObject({
    webhookId: dead.webhookId,
    body: dead.event.body,
    attempt: 3,
    failures: 0,
  })

  await postgres.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(postgres, 'new')).eventSeq).toBeGreaterThan(lastSeq)
})

test('a second run changes nothing', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const first = await inPostgres(url)

  expect(await migrateStore(path, url)).toMatchObject({ code: 0, stderr: '' })
  expect(await inPostgres(url)).toEqual(first)
})

test('numbers that the target has come to are not given again', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabaseOfAStore()
  await sql(url, `select setval('seam_relay.event_seq', 5000)`)
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const target = await openPostgres(url)
  await target.accept(acceptance({ hooks: ['new'] }))
  expect((await claimOne(target, 'new')).eventSeq).toBe(5001)
})

test('killed in the middle, it leaves whole events behind, and a further run carries the rest', async () => {
  const path = await sourceOfMany()
  const url = await newDatabaseOfAStore()
  const blocker = await blockDelivery(url, MANY - 100, 'a')
  const command = startMigrateStore(['--from', `sqlite:${path}`, '--to', url])
  await waitsForLock(url)
  command.kill('SIGKILL')
  await once(command, 'exit')
  await blocker.end()

  const whole = await sql(
    url,
    `select count(*)::int as ids, count(e)::int as events, count(d)::int as deliveries
     from seam_relay.event_ids i left join seam_relay.events e using (seq)
     left join seam_relay.deliveries d on d.event_seq = i.seq`,
  )
  const { ids } = whole[0] as { ids: number }
  expect(whole).toEqual([{ ids, events: ids, deliveries: ids }])
  expect(ids).toBeGreaterThan(0)
  expect(ids).toBeLessThan(MANY)

  expect(await migrateStore(path, url)).toMatchObject({ code: 0, stderr: '' })
  expect(await inPostgres(url)).toMatchObject(inSqlite(path))
})

test('a relay that starts on the target meanwhile waits until everything is there', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabaseOfAStore()
  const blocker = await blockDelivery(url, 4, 'later')
  const command = startMigrateStore(['--from', `sqlite:${path}`, '--to', url])
  const ended = outcomeOf(command)
  await waitsForLock(url)

  const starting = openPostgres(url)
  await until('the relay to wait', () =>
    isAny(
      url,
      `select from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = current_database() and locktype = 'advisory' and not granted`,
    ),
  )
  await blocker.end()
  expect(await ended).toMatchObject({ code: 0 })
  await starting
})

const EVENT = acceptance({ hooks: ['a'] })
const OTHER = acceptance({ hooks: ['a'] })
const ASIDE = { messageId: 'msg_a', bytes: Buffer.from([0, 255, 10]), problems: [] }

test.each<[string, (target: Store, url: string) => Promise<unknown>, string]>([
  ['another event under a number', (target) => target.accept(acceptance()), '(seq 1)'],
  ['an event under another number', (target) => target.accept(OTHER), '(seq 1)'],
  ['further events', (target) => acceptEach(target, [EVENT, OTHER, acceptance()]), '(seq 3)'],
  ['an event with other content', (target) => target.accept(changedContent(EVENT)), '(seq 1)'],
  ['another body set aside', (target) => target.quarantine(ASIDE), 'a quarantined body'],
])('a target that has %s is refused and stays as it is', async (_, prepare, reason) => {
  const path = await sourceWith((store) => acceptEach(store, [EVENT, OTHER]))
  const url = await newDatabase()
  const target = await PostgresStore.open(postgresOptions(url))
  await prepare(target, url)
  await target.close()
  const before = await inPostgres(url)

  const { code, stderr } = await migrateStore(path, url)

  expect(code).toBe(1)
  expect(stderr).toMatch(/^migrate-store: the target holds .* that the source has not.*\n$/)
  expect(stderr).toContain(reason)
  expect(await inPostgres(url)).toEqual(before)
})

test('once a relay has gone on with what was carried, a further run is refused and takes nothing back', async () => {
  const path = await sourceWith((store) => acceptEach(store, [EVENT, OTHER]))
  const url = await newDatabase()
  expect(await migrateStore(path, url)).toMatchObject({ code: 0 })
  const target = await PostgresStore.open(postgresOptions(url))
  await settleAll(target, 'a', { state: 'delivered' })
  await target.close()
  const before = await inPostgres(url)

  const { code, stderr } = await migrateStore(path, url)

  expect(code).toBe(1)
  expect(stderr).toContain('another row in deliveries than the source (event_seq 1, hook a)')
  expect(await inPostgres(url)).toEqual(before)
})

test('counts that do not agree in the end are a failure', async () => {
  const path = await sourceWith((store) => store.accept(EVENT))
  const url = await newDatabaseOfAStore()
  await sql(
    url,
    `insert into seam_relay.attempts (event_seq, hook, attempt, started_at, duration_ms) values (7, 'a', 1, now(), 5)`,
  )
  const { code, stdout, stderr } = await migrateStore(path, url)
  expect(code).toBe(1)
  expect(stderr).toBe('migrate-store: the counts do not agree: attempts\n')
  expect(stdout).not.toContain('counts agree')
})

test('a source that a relay uses is refused', async () => {
  const path = join(scratchFolder(), 'relay.db')
  await openSqlite(path)
  const { code, stderr } = await migrateStore(path, await newDatabase())
  expect(code).toBe(1)
  expect(stderr).toMatch(/^migrate-store: the source: another seam-relay is using this store .*\n$/)
})

test('a target that a relay uses is refused', async () => {
  const path = await sourceWith((store) => store.accept(EVENT))
  const url = await newDatabase()
  await openPostgres(url)
  await until('the relay to be connected', () =>
    isAny(
      url,
      `select from pg_stat_activity where datname = current_database() and application_name = 'seam-relay signal'`,
    ),
  )
  expect(await migrateStore(path, url)).toMatchObject({
    code: 1,
    stderr: 'migrate-store: a seam-relay is using the target: stop it first\n',
  })
})

test('a source that is not there is an error, and is not made', async () => {
  const path = join(scratchFolder(), 'missing', 'relay.db')
  expect(await migrateStore(path, await newDatabase())).toMatchObject({
    code: 1,
    stderr: `migrate-store: the source: there is no file ${path}\n`,
  })
  expect(existsSync(join(path, '..'))).toBe(false)
})

test('a source or a target of a newer schema is refused', async () => {
  const path = await sourceWith((store) => store.accept(EVENT))
  const url = await newDatabaseOfAStore()
  await sql(url, 'update seam_relay.schema_version set version = 99')
  const target = await migrateStore(path, url)
  expect(target.code).toBe(1)
  expect(target.stderr).toMatch(/^migrate-store: the target: .*newer seam-relay \(schema 99.*\n$/)

  inFile(path, (db) => db.exec('pragma user_version = 99'))
  const source = await migrateStore(path, url)
  expect(source.code).toBe(1)
  expect(source.stderr).toMatch(/^migrate-store: the source: .*newer seam-relay \(schema 99.*\n$/)
})

test('a database that cannot be reached, or not with this password, is one clear line', async () => {
  const path = await sourceWith((store) => store.accept(EVENT))
  const away = await migrateStore(path, 'postgres://someone:s3cret@127.0.0.1:1/relay')
  expect(away).toMatchObject({ code: 1, stdout: '' })
  expect(away.stderr).toBe('migrate-store: the target: connect ECONNREFUSED 127.0.0.1:1\n')

  const url = new URL(await newDatabase())
  url.password = 'another-s3cret'
  const wrong = await migrateStore(path, url.href)
  expect(wrong).toMatchObject({ code: 1, stdout: '' })
  expect(wrong.stderr).toMatch(/^migrate-store: the target: password authentication failed for user .*\n$/)
})

test.each<[string[], string[]]>([
  [[], ['--from: expected sqlite:PATH, found nothing', '--to: expected postgres://']],
  [
    ['--from', 'postgres://u:s3cret@h/d', '--to', 'sqlite:relay.db'],
    ['--from: expected sqlite:PATH, found postgres:…', '--to: expected postgres://'],
  ],
  [
    ['--from', 'sqlite:a.db', '--from', 'sqlite:b.db', 'postgres://u:s3cret@h/d', '--too=s3cret', '--to'],
    [
      'arguments: expected --from and --to alone, found a string of 23 characters (not shown)',
      '--from: expected it once, found it 2 times',
      '--too: expected --from and --to alone, found an unknown option',
      '--to: expected postgres://',
    ],
  ],
  [['--postgres://u:s3cret@h/d'], ['arguments: expected --from and --to alone, found an unknown option']],
])('mistakes in the arguments are told all at once, without a secret: %j', async (args, mistakes) => {
  const { code, stdout, stderr } = await outcomeOf(startMigrateStore(args))
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  for (const mistake of mistakes) expect(stderr).toContain(`\n  ${mistake}`)
  expect(stderr).toContain('Usage: ')
  expect(stderr).not.toContain('s3cret')
})

test('--help shows the usage', async () => {
  const { code, stdout, stderr } = await outcomeOf(startMigrateStore(['--help']))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: npm run migrate-store/)
})

/** More than go over in one batch. */
const MANY = 3000

function sourceOfMany(): Promise<string> {
  return sourceWith(async (store) => {
    await Promise.all(Array.from({ length: MANY }, () => store.accept(acceptance({ hooks: ['a'] }))))
  })
}

/** A file with something of each sort that a store can hold. Its highest number is that of an event that is gone. */
async function sourceOfAllSorts() {
  const pruned = [acceptance({ hooks: ['delivered'] }), acceptance()]
  const dead = acceptance({ hooks: ['delivered', 'dead'] })
  const [now, later, leased, replayed] = [
    acceptance({ hooks: ['now'] }),
    acceptance({ hooks: ['later'] }),
    acceptance({ hooks: ['leased'] }),
    acceptance({ hooks: ['now'] }),
  ]
  const credentialId = randomUUID()
  const inOrder = [1, 2, 3].map(() => acceptanceAbout(credentialId, ['in-order']))
  const sample = sampleFor('now')
  const path = await sourceWith(async (store) => {
    await acceptEach(store, pruned)
    await settleAll(store, 'delivered', { state: 'delivered' })
    await aLaterTime()
    expect(await store.prune({ payloadAgeMs: 0, dedupAgeMs: LONG_MS, limit: 10 })).toMatchObject({
      pruned: 2,
    })

    await acceptEach(store, [dead, later, leased, replayed, ...inOrder, sample])
    await attempt(store, 'delivered', { state: 'delivered' }, { status: 204, errorCode: null, answer: null })
    await attempt(store, 'dead', { state: 'pending', delayMs: 0, failures: 1 }, { errorCode: 'timeout' })
    await attempt(
      store,
      'dead',
      { state: 'dead', failures: 2 },
      { status: 410, answer: Buffer.from([0, 1, 255]) },
    )
    const inTenMinutes = { state: 'pending', delayMs: LONG_MS, failures: 1 } as const
    await attempt(store, 'later', inTenMinutes, { status: 503, answer: Buffer.from('away, "for\\ now"') })
    await claimOne(store, 'leased')
    expect(await claimInOrder(store)).toHaveLength(1)
    const [first] = await claim(store, ['now'], { limit: 1 })
    await settleOne(store, first as ClaimedDelivery, { state: 'dead', failures: 1 })
    await store.replay({ webhookIds: [replayed.webhookId] })
    await acceptEach(store, [now, now, now])
    await store.accept(changedContent(now))
    await acceptAside(store)
    await store.accept(acceptance())
  })
  const lastSeq = inFile(path, (db) => {
    const { seq } = db.prepare('select max(seq) as seq from events').get() as { seq: number }
    db.exec(`delete from events where seq = ${seq}; delete from event_ids where seq = ${seq}`)
    return seq
  })
  const requests = [...pruned, dead, now, later, leased, replayed, ...inOrder, sample]
  return { path, requests, inOrder, dead, lastSeq }
}

/** A test event: it goes under the id of its message. */
function sampleFor(hook: string): AcceptRequest {
  const request = acceptance({ hooks: [hook] })
  return { ...request, webhookId: request.messageId, event: { ...request.event, isSample: true } }
}

async function acceptAside(store: Store): Promise<void> {
  const bytes = Buffer.concat([Buffer.from([0, 255, 0, 92, 34]), randomBytes(300)])
  const twice = {
    messageId: 'msg_twice',
    bytes,
    problems: [{ path: '', message: 'is "not" \u0000 UTF-8 \ud800' }],
  }
  await store.quarantine(twice)
  await store.quarantine(twice)
  await store.quarantine({ messageId: 'msg_empty', bytes: Buffer.alloc(0), problems: [] })
}

async function attempt(
  store: Store,
  hook: string,
  next: NextState,
  record: Partial<AttemptRecord>,
): Promise<void> {
  const { eventSeq, leaseToken } = await claimOne(store, hook)
  const base = { durationMs: 12, status: null, errorCode: 'http_status', answer: null }
  await store.settle([{ eventSeq, hook, leaseToken, record: { ...base, ...record }, next }])
}

async function claimInOrder(store: Store): Promise<ClaimedDelivery[]> {
  const want = wanting('in-order', { limit: 10, ordered: true })
  return (await store.claim([want])).deliveries
}

/** A file that a store has written and closed. */
async function sourceWith(write: (store: Store) => Promise<unknown>): Promise<string> {
  const path = join(scratchFolder(), 'relay.db')
  const store = await SqliteStore.open({ path, lockWaitMs: 0 })
  try {
    await write(store)
  } finally {
    await store.close()
  }
  return path
}

async function openSqlite(path: string): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path, lockWaitMs: 0 })
  onTestFinished(() => store.close())
  return store
}

function postgresOptions(url: string) {
  return { url, startTimeoutMs: 10_000, log: { info() {}, warn() {} } }
}

async function openPostgres(url: string): Promise<PostgresStore> {
  const store = await PostgresStore.open(postgresOptions(url))
  onTestFinished(() => store.close())
  return store
}

/** A database that a store has been opened on, so that it has the schema. */
async function newDatabaseOfAStore(): Promise<string> {
  const url = await newDatabase()
  await (await PostgresStore.open(postgresOptions(url))).close()
  return url
}

/** Takes a delivery's key in a transaction that ends, undone, with the connection: whoever writes that key waits. */
async function blockDelivery(url: string, eventSeq: number, hook: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  onTestFinished(() => client.end())
  await client.connect()
  await client.query('begin')
  await client.query(
    `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since)
     values ($1, $2, 'pending', now(), now())`,
    [eventSeq, hook],
  )
  return client
}

async function waitsForLock(url: string): Promise<void> {
  await until('the command to wait for the blocked delivery', () =>
    isAny(
      url,
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and application_name = 'seam-relay migrate-store'`,
    ),
  )
}

async function isAny(url: string, select: string): Promise<boolean> {
  return (await sql(url, select)).length > 0
}

function startMigrateStore(args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const { stdout, stderr } = child as ChildProcess & {
    stdout: NodeJS.ReadableStream
    stderr: NodeJS.ReadableStream
  }
  const [out, err] = await Promise.all([text(stdout), text(stderr), once(child, 'close')])
  return { code: child.exitCode, stdout: out, stderr: err }
}

/** Runs the command to its end. Never does it show the password. */
async function migrateStore(path: string, url: string): Promise<Outcome> {
  const outcome = await outcomeOf(startMigrateStore(['--from', `sqlite:${path}`, '--to', url]))
  const { password } = new URL(url)
  const said = outcome.stdout + outcome.stderr
  if (password !== '' && said.includes(password)) throw new Error('the command showed the password')
  return outcome
}

/** By table; besides, what the numbers of events have come to. */
type Rows = Record<string, Record<string, unknown>[]>

function inFile<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

/** All that the file holds, as it can be compared. */
function inSqlite(path: string): Rows {
  return inFile(path, (db) =>
    Object.fromEntries(
      TABLES.map((table) => [table, db.prepare(`select * from ${table}`).all().map(comparable).sort(byKey)]),
    ),
  )
}

async function inPostgres(url: string): Promise<Rows> {
  const rows: Rows = {}
  rows['numbers'] = await sql(url, 'select last_value, is_called from seam_relay.event_seq')
  for (const table of TABLES) {
    rows[table] = (await sql(url, `select * from seam_relay.${table}`)).map(comparable).sort(byKey)
  }
  return rows
}

function comparable(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value instanceof Date) return [column, value.getTime()]
      if (value instanceof Uint8Array) return [column, Buffer.from(value).toString('hex')]
      if (/^(seq|event_seq|duplicates|times_seen|is_sample)$/.test(column)) return [column, Number(value)]
      if (column === 'problems' && typeof value === 'string') return [column, JSON.parse(value) as unknown]
      return [column, value]
    }),
  )
}

function byKey(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const [first, second] = [a, b].map(({ id, seq, event_seq, hook, attempt: number }) =>
    [id, seq ?? event_seq, hook, number].map((part) => String(part).padStart(36)).join(),
  ) as [string, string]
  return first < second ? -1 : 1
}
