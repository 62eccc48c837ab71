import { pageEnd, seqBounds } from '../../bounded-page.ts'
import type { EventsScan } from '../../bounded-page.ts'
import type { EventSummary, Page } from '../../listings.ts'
import type { Connections, Statement } from '../connections.ts'
import { momentOf } from '../span-of-time.ts'
import { blocksSql, inBlock } from './blocks.ts'
import { summariesOf } from './event-rows.ts'
import { foundOf, lookOf } from './seen-rows.ts'

/** Between which events a span lies, by the index of their times. */
const BOUNDS: Statement = {
  name: 'list-events-bounds',
  text: `
  select
    (select seq from seam_relay.events where accepted_at >= ${momentOf('$1::float8')}
     order by accepted_at limit 1) as first,
    (select seq from seam_relay.events where accepted_at < ${momentOf('$2::float8')}
     order by accepted_at desc limit 1) as last`,
}

/** What no index serves. */
const FITS = `($4::text is null or e.event_type = $4)
    and ($5::text is null or starts_with(e.event_type, $5))
    and ($6::text is null or e.workspace_id = $6)
    and ($7::float8 is null or e.accepted_at >= ${momentOf('$7')})
    and ($8::float8 is null or e.accepted_at < ${momentOf('$8')})`

const SEEN = `select e.seq, '' as hook, (${FITS}) as fits from seam_relay.events e
    where e.seq < $1::bigint and e.seq >= $2::bigint`

/** Along the numbers, newest first. */
const LIST: Statement = {
  name: 'list-events',
  text: `
  with seen as materialized (${SEEN} and $10::text is null order by e.seq desc limit $3::integer
  ) ${foundOf('seen', '$9')}`,
}

/** Along the numbers of a credential, newest first: those of one block after the other. */
const LIST_OF_CREDENTIAL: Statement = {
  name: 'list-events-of-credential',
  text: `
  with seen as materialized (
    select e.* from ${blocksSql('$2::bigint', '$1::bigint')} b cross join lateral (
      ${SEEN} and ${inBlock('b.n', '$10::text')} order by e.seq desc limit $3::integer
    ) e order by b.n desc, e.seq desc limit $3::integer
  ) ${foundOf('seen', '$9')}`,
}

export async function listEvents(connections: Connections, scan: EventsScan): Promise<Page<EventSummary>> {
  const { limit, looked, type, family, credentialId, workspaceId, since, until } = scan
  const { floor, before } = await boundsOf(connections, scan)
  const statement = credentialId === null ? LIST : LIST_OF_CREDENTIAL
  const rows = await connections.run(statement, [
    before,
    floor,
    looked,
    type,
    family,
    workspaceId,
    since,
    until,
    limit,
    credentialId,
  ])
  const { shown, ...end } = pageEnd('events', lookOf(rows, looked), limit)
  const seqs = shown.map(({ at }) => at)
  return { items: await summariesOf(connections, seqs), ...end }
}

async function boundsOf(
  connections: Connections,
  scan: EventsScan,
): Promise<{ floor: number; before: number }> {
  const { since, until } = scan
  if (since === null && until === null) return seqBounds(scan, null, null)
  const [row] = await connections.run(BOUNDS, [since, until])
  return seqBounds(scan, row?.['first'] as number | null, row?.['last'] as number | null)
}
