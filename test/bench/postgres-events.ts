import type { ClientBase } from 'pg'

export interface WrittenEvents {
  count: number
  hook: string
  state: 'pending' | 'delivered'
  /** How many credentials they are about, in turn; without, each is about its own. */
  credentials?: number
}

/** Of the size of a credential event. */
const BODY_LENGTH = 402

/**
 * Writes events with one delivery each, in Postgres itself, because a million through the store take minutes. The
 * numbers come from the same sequence as the store's.
 */
export async function writeEvents(
  client: ClientBase,
  { count, hook, state, credentials }: WrittenEvents,
): Promise<void> {
  const credential = credentials === undefined ? 'id' : `'credential-' || n % ${credentials}`
  const isDelivered = state === 'delivered'
  // A claim on a connection that has claimed before looks only a little back.
  const apart = credentials === undefined ? '1 ms' : '20 us'
  await client.query(`
    begin;
    create temporary table written on commit drop as
      select n, nextval('seam_relay.event_seq') as seq, gen_random_uuid()::text as id,
        now() - (${count} - n) * interval '${apart}' as at from generate_series(1, ${count}) n;
    insert into seam_relay.event_ids (seq, webhook_id, content_hash, accepted_at, last_seen_at)
      select seq, id, sha256(id::bytea)::text, at, at from written;
    insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
        occurred_at, is_sample, accepted_at, body)
      select seq, id, id, 'msg_' || left(id, 24), 'acs_credential.issued', 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10', ${credential},
        '2026-03-01T09:59:59.123456Z', false, at, rpad('{"event_id":"' || id || '"', ${BODY_LENGTH}, ' "x"')
      from written;
    insert into seam_relay.deliveries (event_seq, hook, state, due_at, attempts, active_since, settled_at, order_key)
      select seq, '${hook}', '${state}', ${isDelivered ? 'null, 1, at, at' : 'at, 0, at, null'}, ${credential} from written;
    ${
      isDelivered
        ? `insert into seam_relay.attempts (event_seq, hook, attempt, started_at, duration_ms, status)
             select seq, '${hook}', 1, at, 5, 204 from written;`
        : ''
    }
    commit`)
}
