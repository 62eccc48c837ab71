import { Client, DatabaseError } from 'pg'
import { SCHEMA_VERSION } from '../../store/postgres/migrations.ts'
import type { Clock } from '../../time/clock.ts'
import { bytes } from '../amount.ts'
import { whyUnreached } from '../unreached.ts'
import type { ClockReading } from './clock-line.ts'
import type { Line } from './line.ts'
import { look, ok, wrong } from './line.ts'

export interface PostgresFindings {
  lines: Line[]
  clock: ClockReading | null
}

/** What a replica may open at most. */
const CONNECTIONS_OF_A_REPLICA = 10

/** How the driver says that it has none. */
const NO_PASSWORD = /password must be a (non-empty )?string/

const QUESTION = `select current_setting('server_version') as version,
    current_setting('server_version_num')::int as number,
    extract(epoch from clock_timestamp()) * 1000 as now,
    pg_database_size(current_database())::float8 as size,
    pg_is_in_recovery() or current_setting('transaction_read_only')::bool as read_only,
    current_setting('fsync')::bool as fsync,
    has_database_privilege(current_database(), 'create') as may_create,
    to_regnamespace('seam_relay') is not null as has_schema,
    to_regclass('seam_relay.schema_version') is not null as has_tables,
    current_setting('max_connections')::int
      - (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as free,
    (select count(*)::int from pg_stat_activity
     where datname = current_database() and application_name = 'seam-relay') as relays`

interface Facts {
  version: string
  number: number
  now: string
  size: number
  read_only: boolean
  fsync: boolean
  may_create: boolean
  has_schema: boolean
  has_tables: boolean
  free: number
  relays: number
}

/** Looks at the database, also while replicas use it. The one change that it tries is rolled back. */
export async function postgresLines(url: string, clock: Clock, timeoutMs: number): Promise<PostgresFindings> {
  const client = new Client({
    connectionString: url,
    application_name: 'seam-relay-doctor',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const askedAt = clock.wallMs()
    const facts = (await client.query<Facts>(QUESTION)).rows[0] as Facts
    const aheadMs = (askedAt + clock.wallMs()) / 2 - Number(facts.now)
    return {
      lines: [await storeLine(client, facts), ...sideLines(facts)],
      clock: { from: 'the database', aheadMs },
    }
  } catch (error) {
    return { lines: [failedLine(error)], clock: null }
  } finally {
    await client.end().catch(() => {})
  }
}

async function storeLine(client: Client, facts: Facts): Promise<Line> {
  const { version, number, size, read_only: isReadOnly, has_tables: hasTables, has_schema: hasSchema } = facts
  if (number < 150_000)
    return wrong('store', `PostgreSQL ${version}`, 'seam-relay needs PostgreSQL 15 or newer.')
  if (isReadOnly) {
    const advice = "Let DATABASE_URL lead to the primary, or make the role's transactions writable again."
    return wrong('store', 'the database takes no changes: it is a standby, or set to read only', advice)
  }
  const about = `PostgreSQL ${version}, ${bytes(size)}`
  if (!hasTables) {
    if (facts.may_create || hasSchema) return ok('store', `${about}; new: the first start makes its schema`)
    const advice =
      'grant create on database …, or: create schema seam_relay authorization ROLE (docs/postgres.md).'
    return wrong('store', `${about}; the role may not create the schema seam_relay`, advice)
  }
  const schema = (await client.query<{ version: number }>('select version from seam_relay.schema_version'))
    .rows[0]?.version as number
  if (schema > SCHEMA_VERSION) {
    const text = `${about}; it was brought up by a newer seam-relay (schema ${schema}, this one knows ${SCHEMA_VERSION})`
    return wrong('store', text, 'Start the newer version, or restore a backup from before the upgrade.')
  }
  await client.query('begin')
  await client.query(
    'insert into seam_relay.heartbeat (id, at) values (1, now()) on conflict (id) do update set at = excluded.at',
  )
  await client.query('rollback')
  const state =
    schema < SCHEMA_VERSION
      ? `schema ${schema}, which the next start brings to ${SCHEMA_VERSION}`
      : `schema ${schema}`
  return ok('store', `${about}, ${state}; takes changes`)
}

function sideLines({ fsync, free, relays }: Facts): Line[] {
  const lines: Line[] = []
  if (!fsync)
    lines.push(
      wrong('fsync', 'is off in the database: a power cut can lose acknowledged events', 'Switch it on.'),
    )
  const used = relays === 0 ? 'no seam-relay is connected' : `seam-relay uses ${relays}`
  if (free >= CONNECTIONS_OF_A_REPLICA) return [...lines, ok('connections', `${free} free; ${used}`)]
  const advice = `Raise max_connections: a replica opens up to ${CONNECTIONS_OF_A_REPLICA}, and a rollout needs one replica more.`
  return [...lines, look('connections', `only ${free} free; ${used}`, advice)]
}

function failedLine(error: unknown): Line {
  const { message, code } = error as Error & { code?: string }
  if (error instanceof DatabaseError)
    return wrong(
      'store',
      `the database refuses: ${message} (SQLSTATE ${code})`,
      "Correct DATABASE_URL, PGPASSWORD, or the role's rights (docs/postgres.md).",
    )
  const isDriver = code === undefined
  const text = NO_PASSWORD.test(message)
    ? 'it asks for a password, and none was given'
    : isDriver
      ? message
      : whyUnreached(error)
  const advice =
    'Start the database, or correct host, port and sslmode in DATABASE_URL; or let this machine reach it.'
  return wrong('store', `the database cannot be reached: ${text}`, advice)
}
