import type { DatabaseSync } from 'node:sqlite'
import { isUsable, tooNew } from '../schema-number.ts'

/** Raised when the file was written by a newer seam-relay on which this one cannot work, or by another program. */
export class SchemaError extends Error {
  readonly code = 'schema_unknown'
}

/** Marks the file as seam-relay's (SQLite's `application_id`): "seam" in ASCII. */
const APPLICATION_ID = 0x7365616d

/**
 * Each step runs once, in one transaction, in this order; the number of steps done is SQLite's `user_version`.
 * A step that has been released is never edited: a change is a new step.
 */
const migrations: readonly string[] = [
  `
  -- What makes a resend a duplicate. Small, because it outlives the events. Autoincrement, because
  -- a number must not come again after its event was pruned.
  create table event_ids (
    seq integer primary key autoincrement,
    webhook_id text not null unique,
    content_hash text not null,
    accepted_at integer not null,
    last_seen_at integer not null,
    duplicates integer not null default 0
  ) strict;

  create table events (
    seq integer primary key,
    webhook_id text not null,
    event_id text not null,
    message_id text not null,
    event_type text not null,
    workspace_id text not null,
    credential_id text,
    occurred_at text not null,
    is_sample integer not null,
    accepted_at integer not null,
    body text not null
  ) strict;

  -- due_at: when a pending delivery may be claimed, or when a leased one's lease runs out; null once it is
  -- settled. One column for both, so that an expired lease is found like any other due delivery.
  create table deliveries (
    event_seq integer not null,
    hook text not null,
    state text not null check (state in ('pending', 'leased', 'delivered', 'dead')),
    due_at integer,
    attempts integer not null default 0,
    failures integer not null default 0,
    active_since integer not null,
    settled_at integer,
    primary key (event_seq, hook),
    check ((due_at is null) = (state in ('delivered', 'dead')))
  ) strict, without rowid;

  -- Holds only what is undelivered, so a claim costs the same however much has been settled.
  create index deliveries_due on deliveries (hook, due_at, event_seq) where due_at is not null;

  create table attempts (
    event_seq integer not null,
    hook text not null,
    attempt integer not null,
    started_at integer not null,
    duration_ms integer not null,
    status integer,
    error_code text,
    answer blob,
    primary key (event_seq, hook, attempt)
  ) strict, without rowid;

  create table quarantine (
    id text primary key,
    fingerprint text not null unique,
    message_id text not null,
    received_at integer not null,
    last_seen_at integer not null,
    times_seen integer not null default 1,
    problems text not null,
    body blob not null
  ) strict;

  -- One row, rewritten to find out whether the disk takes a change.
  create table heartbeat (id integer primary key check (id = 1), at integer not null) strict;
  `,
  `
  -- order_key: the credential that the event is about, kept for every delivery, so that a hook's ordering can be
  -- switched on at any time.
  alter table deliveries add column order_key text;
  alter table deliveries add column replays integer not null default 0;
  update deliveries set order_key = (select credential_id from events where seq = event_seq);

  -- The undelivered again, by credential. Told by settled_at and not by due_at, because that stays as it is when
  -- a delivery is leased or put back, and so does this index. active_since is there for the statistics, and
  -- settled_at, though always null, because without it SQLite reads each row to see that it is.
  create index deliveries_order on deliveries (hook, order_key, event_seq, active_since, settled_at)
    where settled_at is null;
  create index deliveries_dead on deliveries (hook, event_seq) where state = 'dead';
  create index events_accepted on events (accepted_at);
  `,
  `
  -- lease_token: raised by each lease, so that only the latest one can be settled. attempts counted the leases until
  -- now and goes on from there as the number of attempts sent, so no number is given twice.
  alter table deliveries add column lease_token integer not null default 0;
  alter table attempts add column lease_token integer;
  `,
  `
  -- ended_code: why a delivery ended without an attempt that ended it.
  alter table deliveries add column ended_code text;

  -- What people asked to be sent again. at_seq, at_hook: up to where the steps have come. seqs: the events that were
  -- named, as a JSON list.
  create table replays (
    number integer primary key,
    id text not null unique,
    scope text not null,
    per_second integer,
    would_replay integer not null,
    state text not null check (state in ('running', 'finished', 'cancelled', 'failed')),
    replayed integer not null default 0,
    steps integer not null default 0,
    at_seq integer not null,
    at_hook text not null,
    upto_seq integer not null,
    seqs text,
    created_at integer not null,
    next_step_at integer not null,
    ended_at integer,
    error text
  ) strict;
  create index replays_running on replays (number) where state = 'running';
  `,
  `
  -- failing_since: when the first failed attempt since acceptance or the last replay began. Null in rows from before
  -- this column, also if attempts have failed: these are tried for up to an hour longer.
  alter table deliveries add column failing_since integer;
  `,
  `
  -- For how many there are and how old the oldest is, without reading bodies.
  create index quarantine_received on quarantine (received_at);
  `,
  `
  -- From here on credential_id is what the event is about, whatever kind of thing that is. system_id, account_id: null in
  -- rows from before these columns.
  alter table events add column system_id text;
  alter table events add column account_id text;
  alter table events add column source text not null default 'webhook';
  -- A credential's story. It costs an acceptance some 10 µs.
  create index events_credential on events (credential_id, seq) where credential_id is not null;

  -- Dead letters that wait for a person. Those that somebody has given up are not among them. ended_code is there because
  -- without it SQLite reads each row to see that it is none of those.
  create index deliveries_given_up on deliveries (hook, event_seq, ended_code)
    where state = 'dead' and ended_code is not 'discarded';

  -- What happened in each minute, for charts and for "is this silence usual?". minute: its beginning.
  create table counts (
    minute integer not null,
    kind text not null,
    hook text not null,
    code text not null,
    count integer not null,
    primary key (minute, kind, hook, code)
  ) strict, without rowid;

  -- What happened a moment ago, for those who watch. items: a JSON list. skipped: how many more there were.
  create table activity (
    number integer primary key autoincrement,
    at integer not null,
    items text not null,
    skipped integer not null
  ) strict;

  -- What people did. about: JSON, what the action was given and what came of it.
  create table actions (
    number integer primary key,
    at integer not null,
    actor text not null,
    action text not null,
    target text not null,
    about text not null
  ) strict;

  create table hook_pauses (
    hook text primary key,
    paused_at integer not null,
    paused_by text not null,
    reason text not null
  ) strict, without rowid;
  `,
  `
  -- usable_from: the oldest program that can work on this schema, as the number of steps that it knows.
  create table schema_version (usable_from integer not null) strict;
  insert into schema_version values (8);
  `,
  `
  -- How far each workspace's events have been compared with Seam's own list. A row of a key whose workspace is not known yet has
  -- 'key_' and the key's print for it. Times of events are Seam's.
  create table reconciliations (
    workspace_id text primary key,
    key_print text not null,
    confirmed_until integer,
    passed_at integer,
    failing_since integer,
    failure_code text,
    oldest_answer_at integer,
    newest_answer_at integer,
    checked integer not null default 0,
    missed integer not null default 0,
    recovered integer not null default 0
  ) strict, without rowid;

  -- What was missed, and spans that Seam's API did not list in full. event_ids: a JSON list of the first hundred.
  create table reconciliation_findings (
    id text primary key,
    workspace_id text not null,
    kind text not null check (kind in ('missed', 'gap')),
    since integer not null,
    until integer not null,
    missed integer not null,
    recovered integer not null,
    event_ids text not null,
    found_at integer not null
  ) strict;
  create index reconciliation_findings_found on reconciliation_findings (found_at);

  -- One row: which process reconciles. Each taking by another one raises the token.
  create table reconciler (
    id integer primary key check (id = 1),
    holder text not null,
    token integer not null,
    leased_until integer not null
  ) strict;
  `,
  `
  -- By blocks of 4096 numbers (event-blocks.ts), so that a new event changes a page that was changed a moment ago. Under the
  -- name from before, by which the version before asks: it reads all of this index for a credential, and finds the same.
  drop index events_credential;
  create index events_credential on events (seq / 4096, credential_id) where credential_id is not null;
  `,
]

/**
 * The oldest program that can work on this schema, as the number of steps that it knows: so after an upgrade it can be
 * started again. A step that it cannot work with raises this to its own number. (Before step 8 no program looks at it.)
 */
const USABLE_FROM = 8

/**
 * Whether the file is one to work with, found out without changing it.
 * @throws {SchemaError} if it is too new for the program or is not seam-relay's
 */
export function judgeSchema(db: DatabaseSync): void {
  const version = pragma(db, 'user_version')
  const foreign = version === 0 ? !isEmpty(db) : pragma(db, 'application_id') !== APPLICATION_ID
  if (foreign)
    throw new SchemaError("the file is another program's database: name a file of its own in DATABASE_URL")
  const schema = { version, usableFrom: usableFrom(db) }
  if (!isUsable(schema, migrations.length))
    throw new SchemaError(`the store ${tooNew(schema, migrations.length)}`)
}

/**
 * Brings a file that was judged to the schema that this program knows. A newer one stays as it is.
 * @param onMigrating called first, with the number of steps, if a file that has a schema already needs any
 */
export function migrate(db: DatabaseSync, onMigrating: (steps: number) => void = () => {}): void {
  const before = pragma(db, 'user_version')
  if (before > 0 && before < migrations.length) onMigrating(migrations.length - before)
  for (const [index, step] of migrations.entries()) {
    if (index < pragma(db, 'user_version')) continue
    db.exec('begin immediate')
    try {
      db.exec(step)
      db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${index + 1}`)
      if (index + 1 === migrations.length)
        db.prepare('update schema_version set usable_from = ?').run(USABLE_FROM)
      db.exec('commit')
    } catch (error) {
      db.exec('rollback')
      throw error
    }
  }
}

/** `null` before there was such a table. */
function usableFrom(db: DatabaseSync): number | null {
  if (db.prepare(`select 1 from sqlite_schema where name = 'schema_version'`).get() === undefined) return null
  return (db.prepare('select usable_from from schema_version').get()?.['usable_from'] ?? null) as
    number | null
}

function pragma(db: DatabaseSync, name: string): number {
  return Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0] as number
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('select 1 from sqlite_schema limit 1').get() === undefined
}
