import { DatabaseSync } from 'node:sqlite'
import type { ClientBase } from 'pg'
import { migrate } from '../../src/store/sqlite/migrations.ts'

// A store as people find it after two bad weeks, written in SQL, because a million events through the store take minutes. The
// two dialects write the same: 250,000 credentials with 4 events each; 20,000 dead deliveries of the hook that is there, half of
// them of revocations; 50,000 that wait for one that is not, half of them after failures; counts of every minute.

export const EVENTS = 1_000_000
/** Configured. */
export const HOOK = 'bench'
/** Not configured, so that what waits for it stays. */
const GONE = 'gone'
/** Of ten events, far apart. */
export const RARE_WORKSPACE = '00000000-0000-4000-8000-000000000007'

const CREDENTIALS = 250_000
const DAYS = 14
const SPAN_MS = DAYS * 86_400_000
const MINUTES = DAYS * 1440
const QUARANTINED = 200
const ACTIONS = 2000
const REPLAYS = 20

const TYPE = `case n % 100 when 0 then 'acs_credential.deleted' when 1 then 'acs_credential.invalidated'
  else 'acs_credential.issued' end`
const WORKSPACE = `case n % 100000 when 7 then '${RARE_WORKSPACE}' else 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10' end`
const BODY_START = `'{"event_type":"acs_credential.issued","event_id":"' || id || '","acs_credential_id":"' || credential || '","note":"'`
const IS_PENDING = 'n % 20 = 1'
const IS_DEAD = 'n % 50 = 0'
const STATE = `case when ${IS_PENDING} then 'pending' when ${IS_DEAD} then 'dead' else 'delivered' end`
const OF_HOOK = `case when ${IS_PENDING} then '${GONE}' else '${HOOK}' end`
const FAILURES = `case when n % 40 = 1 then 3 when ${IS_DEAD} then 12 else 0 end`
const CODE = `case when n % 100 = 0 then 'timeout' when ${IS_DEAD} then 'status_500' when n % 40 = 1 then 'connect_failed' end`

/** Kinds of counts with their hook and code. */
const COUNTED = [
  ['accepted', '', ''],
  ['duplicate', '', ''],
  ['refused', '', 'signature_mismatch'],
  ['refused', '', 'timestamp_outside_tolerance'],
  ['delivered', HOOK, ''],
  ['failed', HOOK, ''],
  ...['100', '250', '500', '1000', '2500', '60000'].map((bound) => ['latency', HOOK, bound]),
]
  .map(([kind, hook, code]) => `('${kind}', '${hook}', '${code}')`)
  .join(', ')

export function fillSqlite(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('pragma auto_vacuum = incremental; pragma journal_mode = wal')
  migrate(db)
  const from = Date.now() - SPAN_MS
  const until = (count: number) =>
    `(with recursive c (n) as (select 1 union all select n + 1 from c where n < ${count}) select n from c)`
  const newId = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' ||
    substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`
  db.exec(`begin;
    create temporary table written as
      select n, ${newId} as id, cast(${from} + n * ${SPAN_MS / EVENTS} as integer) as at,
        printf('%08x-0000-4000-8000-%012x', (n % ${CREDENTIALS}) * 2654435761 % 4294967296, n % ${CREDENTIALS}) as credential
      from ${until(EVENTS)};
    insert into event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at)
      select n, id, hex(randomblob(32)), at, at from written;
    insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
        is_sample, accepted_at, system_id, account_id, body)
      select n, id, id, 'msg_' || substr(id, 1, 24), ${TYPE}, ${WORKSPACE}, credential, '2026-03-01T09:59:59.123456Z', 0,
        at, '5a4c1f7e-0000-4000-8000-00000000000' || n % 8, null, ${BODY_START} || printf('%.260c', 'x') || '"}'
      from written;
    insert into deliveries (event_seq, hook, state, due_at, attempts, failures, active_since, settled_at, order_key)
      select n, ${OF_HOOK}, ${STATE}, iif(${IS_PENDING}, at, null), iif(${IS_PENDING}, 0, 1), ${FAILURES},
        at, iif(${IS_PENDING}, null, at), credential from written;
    insert into attempts (event_seq, hook, attempt, started_at, duration_ms, status, error_code)
      select n, ${OF_HOOK}, 1, at, 5, iif(${CODE} is null, 204, null), ${CODE} from written
      where not (${IS_PENDING}) or n % 40 = 1;
    insert into counts (minute, kind, hook, code, count)
      select ${Math.floor(from / 60_000) * 60_000} + n * 60000, c.column1, c.column2, c.column3, 40
      from ${until(MINUTES)}, (values ${COUNTED}) c;
    insert into quarantine (id, fingerprint, message_id, received_at, last_seen_at, problems, body)
      select ${newId}, n, 'msg_' || n, ${from} + n, ${from} + n, '[{"path":"/event_id","message":"is missing"}]',
        cast(printf('{"note":"%.4000c"}', 'x') as blob) from ${until(QUARANTINED)};
    insert into actions (number, at, actor, action, target, about)
      select n, ${from} + n, 'operator', 'pause_hook', '${HOOK}', '{"reason":"a try"}' from ${until(ACTIONS)};
    insert into replays (number, id, scope, would_replay, state, replayed, at_seq, at_hook, upto_seq, created_at, next_step_at,
        ended_at)
      select n, ${newId}, '{"hook":"${HOOK}","states":["dead"]}', 10, 'finished', 10, n, '', n, ${from} + n, ${from} + n, ${from} + n
      from ${until(REPLAYS)};
    commit; drop table written; pragma wal_checkpoint(truncate)`)
  db.close()
}

/** Into a database that has the tables. */
export async function fillPostgres(client: ClientBase): Promise<void> {
  const from = `now() - interval '${DAYS} days'`
  await client.query(`begin;
    set local search_path = seam_relay;
    create temporary table written on commit drop as
      select n, nextval('event_seq') as seq, gen_random_uuid()::text as id, ${from} + n * interval '${SPAN_MS / EVENTS} ms' as at,
        md5('credential' || n % ${CREDENTIALS})::uuid::text as credential
      from generate_series(1, ${EVENTS}) n;
    insert into event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at)
      select seq, id, encode(sha256(id::bytea), 'hex'), at, at from written;
    insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id, occurred_at,
        is_sample, accepted_at, system_id, account_id, body)
      select seq, id, id, 'msg_' || left(id, 24), ${TYPE}, ${WORKSPACE}, credential, '2026-03-01T09:59:59.123456Z', false, at,
        '5a4c1f7e-0000-4000-8000-00000000000' || n % 8, null, ${BODY_START} || repeat('x', 260) || '"}'
      from written;
    insert into deliveries (event_seq, hook, state, due_at, attempts, failures, active_since, settled_at, order_key)
      select seq, ${OF_HOOK}, ${STATE}, case when ${IS_PENDING} then at end, case when ${IS_PENDING} then 0 else 1 end, ${FAILURES},
        at, case when ${IS_PENDING} then null else at end, credential from written;
    insert into attempts (event_seq, hook, attempt, started_at, duration_ms, status, error_code)
      select seq, ${OF_HOOK}, 1, at, 5, case when ${CODE} is null then 204 end, ${CODE} from written
      where not (${IS_PENDING}) or n % 40 = 1;
    insert into counts (minute, kind, hook, code, count)
      select date_trunc('minute', ${from}) + n * interval '1 minute', c.kind, c.hook, c.code, 40
      from generate_series(1, ${MINUTES}) n, (values ${COUNTED}) c (kind, hook, code);
    insert into quarantine (id, fingerprint, message_id, received_at, last_seen_at, problems, body)
      select gen_random_uuid(), n, 'msg_' || n, ${from}, ${from}, '[{"path":"/event_id","message":"is missing"}]',
        convert_to('{"note":"' || repeat('x', 4000) || '"}', 'UTF8') from generate_series(1, ${QUARANTINED}) n;
    insert into actions (number, at, actor, action, target, about)
      select n, ${from}, 'operator', 'pause_hook', '${HOOK}', '{"reason":"a try"}' from generate_series(1, ${ACTIONS}) n;
    insert into replays (number, id, scope, would_replay, state, replayed, at_seq, at_hook, upto_seq, created_at, next_step_at,
        ended_at)
      select n, gen_random_uuid(), '{"hook":"${HOOK}","states":["dead"]}', 10, 'finished', 10, n, '', n, ${from}, ${from}, ${from}
      from generate_series(1, ${REPLAYS}) n;
    commit`)
  await client.query('vacuum analyze')
}
