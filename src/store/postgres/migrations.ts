import type { ClientBase } from 'pg'
import { isUsable, tooNew } from '../schema-number.ts'
import type { SchemaNumber } from '../schema-number.ts'
import { makeIndices } from './late-indices.ts'

/** Raised when the database was brought up by a newer seam-relay, and this one cannot work on it. */
export class SchemaError extends Error {
  readonly code = 'schema_unknown'
}

/** The advisory lock under which one replica migrates while the others wait. "seammigr" in ASCII. */
export const MIGRATION_LOCK = '8315159409624442738'

/**
 * Each step runs once, in this order, together with those that are due in one transaction. A step that has been
 * released is never edited: a change is a new step.
 *
 * Replicas of the version before go on running while a new one migrates, so a step only ever expands: it adds
 * tables, columns with defaults, indices. What is no longer used goes in a step of a later release, when no
 * replica that uses it is left (expand, then contract). An index of a table that may be large is not made in a step, which
 * would keep the table from being written, but after the start (`late-indices.ts`).
 */
const migrations: readonly string[] = [
  `
  -- Numbers events in the order of acceptance. A number is never given twice, also after its event is gone.
  create sequence seam_relay.event_seq as bigint;

  -- What makes a resend a duplicate. Small, because it outlives the events.
  create table seam_relay.event_ids (
    seq bigint primary key,
    webhook_id text not null unique,
    content_hash text not null,
    accepted_at timestamptz not null,
    last_seen_at timestamptz not null,
    duplicates bigint not null default 0
  );

  create table seam_relay.events (
    seq bigint primary key,
    webhook_id text not null,
    event_id text not null,
    message_id text not null,
    event_type text not null,
    workspace_id text not null,
    credential_id text,
    occurred_at text not null,
    is_sample boolean not null,
    accepted_at timestamptz not null,
    body text not null
  );
  create index events_accepted on seam_relay.events (accepted_at);

  -- due_at: when a pending delivery may be claimed, or when a leased one's lease runs out; null once it is
  -- settled; infinity while it is held behind an earlier one of its credential (ordering.ts).
  create table seam_relay.deliveries (
    event_seq bigint not null,
    hook text not null,
    state text not null check (state in ('pending', 'leased', 'delivered', 'dead')),
    due_at timestamptz,
    attempts integer not null default 0,
    failures integer not null default 0,
    active_since timestamptz not null,
    settled_at timestamptz,
    order_key text,
    replays integer not null default 0,
    primary key (event_seq, hook),
    check ((due_at is null) = (state in ('delivered', 'dead'))),
    check ((settled_at is null) = (due_at is not null))
  );

  -- These hold only what is undelivered or dead, so what they cost does not grow with what has been delivered.
  create index deliveries_due on seam_relay.deliveries (hook, due_at, event_seq) where due_at is not null;
  create index deliveries_order on seam_relay.deliveries (hook, order_key, event_seq) where settled_at is null;
  create index deliveries_dead on seam_relay.deliveries (hook, event_seq) where state = 'dead';

  create table seam_relay.attempts (
    event_seq bigint not null,
    hook text not null,
    attempt integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    status integer,
    error_code text,
    answer bytea,
    primary key (event_seq, hook, attempt)
  );

  create table seam_relay.quarantine (
    id uuid primary key,
    fingerprint text not null unique,
    message_id text not null,
    received_at timestamptz not null,
    last_seen_at timestamptz not null,
    times_seen bigint not null default 1,
    problems json not null,
    body bytea not null
  );

  -- One row, rewritten to find out whether the database takes a change.
  create table seam_relay.heartbeat (id integer primary key check (id = 1), at timestamptz not null);

  -- Each delivery leaves two dead rows behind it, where the next claim looks first. The usual share of a table, a
  -- fifth, would let millions of them lie in one that is mostly history.
  alter table seam_relay.deliveries set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  alter table seam_relay.event_ids set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
  `,
  `
  -- lease_token: raised by each lease, so that only the latest one can be settled. attempts counted the leases until
  -- now and goes on from there as the number of attempts sent, so no number is given twice. A constant default
  -- rewrites no row. A replica of the version before leases without raising the token: where its lease and one of
  -- this version follow each other while both run, the later outcome can settle the other's lease. Delivery is at
  -- least once all the same.
  alter table seam_relay.deliveries add column lease_token integer not null default 0;
  alter table seam_relay.attempts add column lease_token integer;
  `,
  `
  -- ended_code: why a delivery ended without an attempt that ended it.
  alter table seam_relay.deliveries add column ended_code text;

  -- What people asked to be sent again. at_seq, at_hook: up to where the steps have come. seqs: the events that were
  -- named. steps: of replicas that take the same step at once, only the first finds the number that it read.
  create table seam_relay.replays (
    number bigint primary key,
    id uuid not null unique,
    scope json not null,
    per_second integer,
    would_replay bigint not null,
    state text not null check (state in ('running', 'finished', 'cancelled', 'failed')),
    replayed bigint not null default 0,
    steps integer not null default 0,
    at_seq bigint not null,
    at_hook text not null,
    upto_seq bigint not null,
    seqs json,
    created_at timestamptz not null,
    next_step_at timestamptz not null,
    ended_at timestamptz,
    error text
  );
  create index replays_running on seam_relay.replays (number) where state = 'running';
  `,
  `
  -- failing_since: when the first failed attempt since acceptance or the last replay began. Null in rows from before
  -- this column, also if attempts have failed: these are tried for up to an hour longer.
  alter table seam_relay.deliveries add column failing_since timestamptz;
  `,
  `
  -- Which replicas are alive. Small, and each row is rewritten every few seconds.
  create table seam_relay.replicas (
    id uuid primary key,
    version text not null,
    present_since timestamptz not null,
    last_sign_at timestamptz not null,
    gone_at timestamptz
  ) with (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

  -- leased_by: the replica that has leased it; null otherwise, and for leases of a replica of the version before. It
  -- does not clear or change this, so what it leases anew can be freed early if the replica before it is gone.
  alter table seam_relay.deliveries add column leased_by uuid;
  `,
  `
  -- An index, which is made after the start (late-indices.ts).
  `,
  `
  -- From here on credential_id is what the event is about, whatever kind of thing that is. system_id, account_id: null in
  -- rows from before these columns.
  alter table seam_relay.events add column system_id text;
  alter table seam_relay.events add column account_id text;
  alter table seam_relay.events add column source text not null default 'webhook';

  -- What happened in each minute, for charts and for "is this silence usual?". minute: its beginning. All replicas add to
  -- the same rows.
  create table seam_relay.counts (
    minute timestamptz not null,
    kind text not null,
    hook text not null,
    code text not null,
    count bigint not null,
    primary key (minute, kind, hook, code)
  ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

  -- What happened a moment ago, for those who watch. items: a list. skipped: how many more there were. The numbers grow in
  -- the order in which the rows can be seen, because whoever adds one holds a lock.
  create table seam_relay.activity (
    number bigint primary key,
    at timestamptz not null,
    items json not null,
    skipped integer not null
  );

  -- What people did. about: what the action was given and what came of it.
  create table seam_relay.actions (
    number bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    target text not null,
    about json not null
  );

  create table seam_relay.hook_pauses (
    hook text primary key,
    paused_at timestamptz not null,
    paused_by text not null,
    reason text not null
  );
  `,
  `
  -- usable_from: the oldest program that can work on this schema, as the number of steps that it knows.
  alter table seam_relay.schema_version add column usable_from integer;
  `,
  `
  -- How far each workspace's events have been compared with Seam's own list. A row of a key whose workspace is not known yet has
  -- 'key_' and the key's print for it. Times of events are Seam's.
  create table seam_relay.reconciliations (
    workspace_id text primary key,
    key_print text not null,
    confirmed_until timestamptz,
    passed_at timestamptz,
    failing_since timestamptz,
    failure_code text,
    oldest_answer_at timestamptz,
    newest_answer_at timestamptz,
    checked bigint not null default 0,
    missed bigint not null default 0,
    recovered bigint not null default 0
  );

  -- What was missed, and spans that Seam's API did not list in full. event_ids: a list of the first hundred.
  create table seam_relay.reconciliation_findings (
    id text primary key,
    workspace_id text not null,
    kind text not null check (kind in ('missed', 'gap')),
    since timestamptz not null,
    until timestamptz not null,
    missed bigint not null,
    recovered bigint not null,
    event_ids json not null,
    found_at timestamptz not null
  );
  create index reconciliation_findings_found on seam_relay.reconciliation_findings (found_at);

  -- One row: which replica reconciles. Each taking by another one raises the token.
  create table seam_relay.reconciler (
    id integer primary key check (id = 1),
    holder text not null,
    token bigint not null,
    leased_until timestamptz not null
  );
  `,
  `
  -- Another index for a credential's story, which is made after the start (late-indices.ts).
  `,
]

/**
 * The oldest program that can work on this schema, as the number of steps that it knows: so after an upgrade it can be
 * started again. A step that it cannot work with raises this to its own number. (Before step 8 no program looks at it.)
 */
const USABLE_FROM = 8

/**
 * Brings the database to the schema that this program knows. Any number of replicas may ask at once.
 * @throws {SchemaError} if the schema is newer and this program cannot work on it; it is left as it was
 */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query('begin')
  try {
    await client.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
    await migrateAlone(client)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function migrateAlone(client: ClientBase): Promise<void> {
  const schema = await schemaOf(client)
  if (!isUsable(schema, migrations.length)) {
    throw new SchemaError(`the database ${tooNew(schema, migrations.length)}`)
  }
  const { version } = schema
  if (version >= migrations.length) return
  if (version === 0) {
    // Asked for first: "if not exists" wants the right to create a schema even where there is one.
    const { rows } = await client.query(`select to_regnamespace('seam_relay') is null as missing`)
    if (rows[0]?.missing === true) await client.query('create schema seam_relay')
    await client.query('create table seam_relay.schema_version (version integer not null)')
    await client.query('insert into seam_relay.schema_version values (0)')
  }
  for (const step of migrations.slice(version)) await client.query(step)
  if (version === 0) await makeIndices(client)
  const numbers = [migrations.length, USABLE_FROM]
  await client.query('update seam_relay.schema_version set version = $1, usable_from = $2', numbers)
}

async function schemaOf(client: ClientBase): Promise<SchemaNumber> {
  const { rows } = await client.query(`select to_regclass('seam_relay.schema_version') is null as missing`)
  if (rows[0]?.missing === true) return { version: 0, usableFrom: null }
  // As JSON, because older schemas have no such column.
  const found = await client.query(
    `select version, (to_json(v) ->> 'usable_from')::integer as usable_from from seam_relay.schema_version v`,
  )
  const row = found.rows[0] as { version: number; usable_from: number | null }
  return { version: row.version, usableFrom: row.usable_from }
}

/** The schema that this program brings a database to. */
export const SCHEMA_VERSION = migrations.length
