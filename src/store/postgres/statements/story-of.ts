import { sought } from '../../bounded-page.ts'
import type { StoredEvent } from '../../listings.ts'
import { inOrderOfOccurrence } from '../../story-order.ts'
import type { Connections, Statement } from '../connections.ts'
import { EVERY_EVENT, blocksSql, inBlock } from './blocks.ts'
import { storedEvents } from './event-rows.ts'

const NEWEST: Statement = {
  name: 'story-of',
  text: `
  select e.seq from ${blocksSql(...EVERY_EVENT)} b cross join lateral (
    select e.seq from seam_relay.events e where ${inBlock('b.n', '$1::text')} order by e.seq desc limit $2::integer
  ) e order by b.n desc, e.seq desc limit $2::integer`,
}

export async function storyOf(
  connections: Connections,
  credentialId: string,
  limit: number,
): Promise<StoredEvent[]> {
  const newest = await connections.run(NEWEST, [sought(credentialId.toLowerCase()), limit])
  const seqs = newest.map(({ seq }) => seq as number)
  return inOrderOfOccurrence(await storedEvents(connections, seqs))
}
