import { SAMPLE_EVENT_ID } from '../../../events/event.ts'
import { LOOKED_AT } from '../../bounded-page.ts'
import { bestMatch, keysOf } from '../../event-by-id.ts'
import type { EventMatch } from '../../event-by-id.ts'
import type { StoredEvent } from '../../listings.ts'
import type { Connections, Statement } from '../connections.ts'
import { storedEvents } from './event-rows.ts'

const MATCHES: Statement = {
  name: 'find-event',
  text: `
  select e.seq, e.event_id as "eventId", e.webhook_id as "webhookId"
  from seam_relay.event_ids i cross join lateral (
    select e.seq, e.event_id, e.webhook_id from seam_relay.events e where e.seq = i.seq offset 0
  ) e where i.webhook_id = any($1::text[])`,
}
const NEWEST_SAMPLE: Statement = {
  name: 'find-sample',
  text: `
  select seq from (select seq, is_sample from seam_relay.events order by seq desc limit $1::integer) e
  where is_sample order by seq desc limit 1`,
}

export async function findEvent(connections: Connections, id: string): Promise<StoredEvent | null> {
  const seq = await seqOf(connections, id)
  return seq === null ? null : ((await storedEvents(connections, [seq]))[0] ?? null)
}

/** The number of the event of this id. */
export async function seqOf(connections: Connections, id: string): Promise<number | null> {
  if (id === SAMPLE_EVENT_ID) {
    const [sample] = await connections.run(NEWEST_SAMPLE, [LOOKED_AT])
    if (sample !== undefined) return sample['seq'] as number
  }
  return bestMatch(id, (await connections.run(MATCHES, [keysOf(id)])) as unknown as EventMatch[])
}
