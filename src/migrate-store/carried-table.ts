import { BLOCKED_UNTIL } from '../store/sqlite/statements/claim-ordered.ts'

/** How a column's values go from SQLite to Postgres. `time`: milliseconds since 1970 become a `timestamptz`. */
export type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean' | 'time' | 'bytea' | 'uuid' | 'json'

/** A table that both stores have under the same name, with the same columns. */
export interface CarriedTable {
  name: string
  /** The primary key. The table is walked by its first column. */
  key: readonly [string, ...string[]]
  columns: Readonly<Record<string, ColumnType>>
  /** SQL of the columns that SQLite gives otherwise than it holds them. It must give the same at each run. */
  readAs?: Readonly<Record<string, string>>
}

/** Walked by the number of the event, so that an event goes over together with all that belongs to it. */
export const EVENT_TABLES: readonly CarriedTable[] = [
  {
    name: 'event_ids',
    key: ['seq'],
    columns: {
      seq: 'bigint',
      webhook_id: 'text',
      content_hash: 'text',
      accepted_at: 'time',
      last_seen_at: 'time',
      duplicates: 'bigint',
    },
  },
  {
    name: 'events',
    key: ['seq'],
    columns: {
      seq: 'bigint',
      webhook_id: 'text',
      event_id: 'text',
      message_id: 'text',
      event_type: 'text',
      workspace_id: 'text',
      credential_id: 'text',
      occurred_at: 'text',
      is_sample: 'boolean',
      accepted_at: 'time',
      body: 'text',
    },
  },
  {
    name: 'deliveries',
    key: ['event_seq', 'hook'],
    columns: {
      event_seq: 'bigint',
      hook: 'text',
      state: 'text',
      due_at: 'time',
      attempts: 'integer',
      failures: 'integer',
      active_since: 'time',
      settled_at: 'time',
      order_key: 'text',
      replays: 'integer',
      lease_token: 'integer',
    },
    // What is held behind another is due, for the first claim to judge anew. By a time of its own and not by the
    // clock, so that a further run finds it as it was carried.
    readAs: { due_at: `case due_at when ${BLOCKED_UNTIL} then active_since else due_at end` },
  },
  {
    name: 'attempts',
    key: ['event_seq', 'hook', 'attempt'],
    columns: {
      event_seq: 'bigint',
      hook: 'text',
      attempt: 'integer',
      lease_token: 'integer',
      started_at: 'time',
      duration_ms: 'integer',
      status: 'integer',
      error_code: 'text',
      answer: 'bytea',
    },
  },
]

export const QUARANTINE_TABLE: CarriedTable = {
  name: 'quarantine',
  key: ['id'],
  columns: {
    id: 'uuid',
    fingerprint: 'text',
    message_id: 'text',
    received_at: 'time',
    last_seen_at: 'time',
    times_seen: 'bigint',
    problems: 'json',
    body: 'bytea',
  },
}

export const CARRIED_TABLES: readonly CarriedTable[] = [...EVENT_TABLES, QUARANTINE_TABLE]
