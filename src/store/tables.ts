import type { DeliveryHistory, PastAttempt } from './reader.ts'

// Every table that both stores have, under the same names and with the same columns. The migrations make them;
// whatever copies rows or shows them to people takes its columns from here.

/** How a column is kept. `time`: milliseconds since 1970 in SQLite, a `timestamptz` in Postgres. */
export type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean' | 'time' | 'bytea' | 'uuid' | 'json'

export interface Table {
  name: string
  /** The primary key. */
  key: readonly [string, ...string[]]
  columns: Readonly<Record<string, ColumnType>>
}

export const EVENT_IDS = {
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
} as const satisfies Table

export const EVENTS = {
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
    system_id: 'text',
    account_id: 'text',
    source: 'text',
  },
} as const satisfies Table

export const DELIVERIES = {
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
    ended_code: 'text',
    failing_since: 'time',
  },
} as const satisfies Table

export const ATTEMPTS = {
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
} as const satisfies Table

export const QUARANTINE = {
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
} as const satisfies Table

export const REPLAYS = {
  name: 'replays',
  key: ['number'],
  columns: {
    number: 'bigint',
    id: 'uuid',
    scope: 'json',
    per_second: 'integer',
    would_replay: 'bigint',
    state: 'text',
    replayed: 'bigint',
    steps: 'integer',
    at_seq: 'bigint',
    at_hook: 'text',
    upto_seq: 'bigint',
    seqs: 'json',
    created_at: 'time',
    next_step_at: 'time',
    ended_at: 'time',
    error: 'text',
  },
} as const satisfies Table

export const COUNTS = {
  name: 'counts',
  key: ['minute', 'kind', 'hook', 'code'],
  columns: { minute: 'time', kind: 'text', hook: 'text', code: 'text', count: 'bigint' },
} as const satisfies Table

export const ACTIVITY = {
  name: 'activity',
  key: ['number'],
  columns: { number: 'bigint', at: 'time', items: 'json', skipped: 'integer' },
} as const satisfies Table

export const ACTIONS = {
  name: 'actions',
  key: ['number'],
  columns: { number: 'bigint', at: 'time', actor: 'text', action: 'text', target: 'text', about: 'json' },
} as const satisfies Table

export const HOOK_PAUSES = {
  name: 'hook_pauses',
  key: ['hook'],
  columns: { hook: 'text', paused_at: 'time', paused_by: 'text', reason: 'text' },
} as const satisfies Table

export const RECONCILIATIONS = {
  name: 'reconciliations',
  key: ['workspace_id'],
  columns: {
    workspace_id: 'text',
    key_print: 'text',
    confirmed_until: 'time',
    passed_at: 'time',
    failing_since: 'time',
    failure_code: 'text',
    oldest_answer_at: 'time',
    newest_answer_at: 'time',
    checked: 'bigint',
    missed: 'bigint',
    recovered: 'bigint',
  },
} as const satisfies Table

export const RECONCILIATION_FINDINGS = {
  name: 'reconciliation_findings',
  key: ['id'],
  columns: {
    id: 'text',
    workspace_id: 'text',
    kind: 'text',
    since: 'time',
    until: 'time',
    missed: 'bigint',
    recovered: 'bigint',
    event_ids: 'json',
    found_at: 'time',
  },
} as const satisfies Table

/** Which column of a table is behind each field of a type. A field without a column, or with one that is not there, does not compile. */
export type ColumnsOf<Fields extends PropertyKey, T extends Table> = Readonly<
  Record<Fields, keyof T['columns'] & string>
>

/** What people are shown of a delivery. */
export const SHOWN_OF_DELIVERY = {
  eventSeq: 'event_seq',
  hook: 'hook',
  state: 'state',
  attempts: 'attempts',
  failures: 'failures',
  failingSince: 'failing_since',
  replays: 'replays',
  endedCode: 'ended_code',
} as const satisfies ColumnsOf<keyof Omit<DeliveryHistory, 'records'>, typeof DELIVERIES>

/** What people are shown of an attempt. */
export const SHOWN_OF_ATTEMPT = {
  attempt: 'attempt',
  startedAt: 'started_at',
  durationMs: 'duration_ms',
  status: 'status',
  errorCode: 'error_code',
  answer: 'answer',
} as const satisfies ColumnsOf<keyof PastAttempt, typeof ATTEMPTS>
