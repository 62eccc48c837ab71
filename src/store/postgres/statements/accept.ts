import type { AcceptRequest } from '../../store.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { NOW, laterBy } from '../span-of-time.ts'

/** `conflict`: the webhook id is known with other content, which is still to be set aside. */
export type Acceptance =
  { outcome: 'accepted'; eventSeq: number } | { outcome: 'duplicate' } | { outcome: 'conflict' }

const DUPLICATE: Acceptance = { outcome: 'duplicate' }
const CONFLICT: Acceptance = { outcome: 'conflict' }

/**
 * Events are numbered in the order in which they came but entered in the order of their ids, so that two replicas that
 * enter the same ids never deadlock. `on conflict do update` and not `do nothing`, because only the update sees a row that
 * another replica entered a moment ago. A row that comes back with the number it was given is new.
 */
const ACCEPT: Statement = {
  name: 'accept',
  text: `
  with incoming as (
    select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[], $17::text[], $18::text[], $19::text[])
        with ordinality
      as i (dedup_key, content_hash, times, message_id, event_id, event_type, workspace_id, credential_id,
        occurred_at, is_sample, body, webhook_id, system_id, account_id, source, n)
  ), numbered as materialized (
    select nextval('seam_relay.event_seq') as seq, i.* from (select * from incoming order by n) i
  ), known as (
    insert into seam_relay.event_ids as known (seq, webhook_id, content_hash, accepted_at, last_seen_at, duplicates)
    select seq, dedup_key, content_hash, ${NOW}, ${NOW}, times - 1 from numbered order by dedup_key
    on conflict (webhook_id) do update set
      duplicates = known.duplicates
        + case when known.content_hash = excluded.content_hash then excluded.duplicates + 1 else 0 end,
      last_seen_at = case when known.content_hash = excluded.content_hash then ${NOW} else known.last_seen_at end
    returning seq, webhook_id, content_hash
  ), entered as (
    insert into seam_relay.events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
      occurred_at, is_sample, accepted_at, body, system_id, account_id, source)
    select seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
      occurred_at, is_sample, ${NOW}, body, system_id, account_id, source
    from numbered where seq in (select seq from known)
  ), due as (
    insert into seam_relay.deliveries (event_seq, hook, state, due_at, lease_token, active_since, order_key,
      leased_by, settled_at, ended_code)
    select i.seq, d.hook, case when is_too_old then 'dead' when lease_ms > 0 then 'leased' else 'pending' end,
      case when not is_too_old then ${laterBy('lease_ms')} end,
      (lease_ms > 0)::integer, ${NOW}, i.credential_id,
      case when lease_ms > 0 then $16::uuid end,
      case when is_too_old then ${NOW} end, case when is_too_old then 'too_old' end
    from unnest($13::bigint[], $14::text[], $15::float8[], $20::boolean[]) as d (n, hook, lease_ms, is_too_old)
      join numbered i using (n)
    where i.seq in (select seq from known)
  )
  select dedup_key, k.seq, k.seq = i.seq as is_new, k.content_hash = i.content_hash as is_same
  from numbered i join known k on k.webhook_id = i.dedup_key`,
}

/**
 * Takes a group of events in, in one round trip; two contents under one id need a second one.
 * @param replica who leases; `null` if it has not announced itself
 */
export async function acceptAll(
  connections: Connections,
  group: readonly AcceptRequest[],
  replica: string | null = null,
): Promise<Acceptance[]> {
  const firsts = new Map<string, First>()
  const laterAt: number[] = []
  for (const [index, request] of group.entries()) {
    const first = firsts.get(request.dedupKey)
    if (first === undefined) firsts.set(request.dedupKey, { request, index, times: 1 })
    else if (first.request.event.contentHash === request.event.contentHash) first.times++
    else laterAt.push(index)
  }
  const known = await acceptDistinct(connections, [...firsts.values()], replica)
  const outcomes = group.map(({ dedupKey }, index): Acceptance => {
    const outcome = known.get(dedupKey) as Acceptance
    return outcome.outcome === 'accepted' && firsts.get(dedupKey)?.index !== index ? DUPLICATE : outcome
  })
  if (laterAt.length === 0) return outcomes
  const later = await acceptAll(
    connections,
    laterAt.map((index) => group[index] as AcceptRequest),
    replica,
  )
  for (const [n, index] of laterAt.entries()) outcomes[index] = later[n] as Acceptance
  return outcomes
}

/** The first request of several with the same id and content, and how many they are. */
interface First {
  request: AcceptRequest
  index: number
  times: number
}

async function acceptDistinct(
  connections: Connections,
  firsts: readonly First[],
  replica: string | null,
): Promise<Map<string, Acceptance>> {
  const requests = firsts.map(({ request }) => request)
  const events = requests.map(({ event }) => event)
  const deliveries = requests.flatMap((request, index) =>
    request.deliveries.map(({ hook, leaseMs = 0, isTooOld = false }) => ({
      n: index + 1,
      hook,
      leaseMs: isTooOld ? 0 : leaseMs,
      isTooOld,
    })),
  )
  const rows = await connections.run(ACCEPT, [
    requests.map(({ dedupKey }) => dedupKey),
    events.map(({ contentHash }) => contentHash),
    firsts.map(({ times }) => times),
    requests.map(({ messageId }) => messageId),
    events.map(({ eventId }) => eventId),
    events.map(({ eventType }) => eventType),
    events.map(({ workspaceId }) => workspaceId),
    events.map(({ credentialId }) => credentialId),
    events.map(({ occurredAt }) => occurredAt),
    events.map(({ isSample }) => isSample),
    events.map(({ body }) => body),
    requests.map(({ webhookId }) => webhookId),
    deliveries.map(({ n }) => n),
    deliveries.map(({ hook }) => hook),
    deliveries.map(({ leaseMs }) => leaseMs),
    replica,
    events.map(({ systemId }) => systemId),
    events.map(({ accountId }) => accountId),
    requests.map(({ source }) => source),
    deliveries.map(({ isTooOld }) => isTooOld),
  ])
  return new Map(rows.map((row) => [row['dedup_key'] as string, outcomeOf(row)]))
}

function outcomeOf(row: Row): Acceptance {
  if (row['is_new'] === true) return { outcome: 'accepted', eventSeq: row['seq'] as number }
  return row['is_same'] === true ? DUPLICATE : CONFLICT
}
