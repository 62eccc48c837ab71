import { LOOKED_AT, sought } from '../../bounded-page.ts'
import type { SearchHit } from '../../listings.ts'
import { COUNTED_EVENTS, searchHits } from '../../search-hits.ts'
import type { Found } from '../../search-hits.ts'
import type { Connections, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'
import { EVERY_EVENT, blocksSql, inBlock } from './blocks.ts'
import { seqOf } from './find-event.ts'

/** By the indices that there are; by what has none, only among the newest events. Bodies are never searched. */
const SEARCH: Statement = {
  name: 'search',
  text: `
  select
    (select count(*) from (
      select from ${blocksSql(...EVERY_EVENT)} b cross join lateral (
        select from seam_relay.events e where ${inBlock('b.n', '$2::text')} offset 0
      ) e limit ${COUNTED_EVENTS}) c) as of_credential,
    (select round(${msOf('received_at')}) from seam_relay.quarantine where id = $3::uuid) as received_at,
    (select id from seam_relay.replays where id = $3) as replay,
    newest.* from (
      select max(e.seq) filter (where e.message_id = $1::text) as message,
        coalesce(bool_or(e.workspace_id = $2), false) as workspace,
        coalesce(bool_or(e.system_id = $2), false) as system,
        coalesce(bool_or(e.account_id = $2), false) as account
      from (
        select seq, message_id, workspace_id, system_id, account_id
        from seam_relay.events order by seq desc limit ${LOOKED_AT}
      ) e
    ) newest`,
}
const EVENTS: Statement = {
  name: 'search-events',
  text: `
  select e.* from unnest($1::bigint[]) s (seq) cross join lateral (
    select e.seq, e.webhook_id as id, e.event_type as "eventType", round(${msOf('e.accepted_at')}) as "acceptedAt"
    from seam_relay.events e where e.seq = s.seq offset 0
  ) e`,
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export async function search(connections: Connections, id: string): Promise<SearchHit[]> {
  const lower = id.toLowerCase()
  const uuid = UUID.test(lower) ? lower : null
  const [row] = await connections.run(SEARCH, [sought(id), sought(lower), uuid])
  if (row === undefined) return []
  const [own, message] = [await seqOf(connections, id), row['message'] as number | null]
  const seqs = [own, message].filter((seq) => seq !== null)
  const events = new Map(
    seqs.length === 0
      ? []
      : (await connections.run(EVENTS, [seqs])).map(({ seq, ...event }) => [
          seq,
          event as unknown as NonNullable<Found['event']>,
        ]),
  )
  const receivedAt = row['received_at'] as number | null
  return searchHits(id, {
    event: events.get(own) ?? null,
    ofCredential: row['of_credential'] as number,
    quarantined: receivedAt === null ? null : { id: lower, receivedAt },
    replay: row['replay'] as string | null,
    ofMessage: events.get(message) ?? null,
    isWorkspace: row['workspace'] === true,
    isSystem: row['system'] === true,
    isAccount: row['account'] === true,
  })
}
