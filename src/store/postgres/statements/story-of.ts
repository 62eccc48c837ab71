import { sought } from '../../bounded-page.ts'
import type { StoredEvent } from '../../listings.ts'
import { inOrderOfOccurrence } from '../../story-order.ts'
import type { Connections, Statement } from '../connections.ts'
import { storedEvents } from './event-rows.ts'

const NEWEST: Statement = {
  name: 'story-of',
  text: `select seq from seam_relay.events where credential_id = $1 order by seq desc limit $2::integer`,
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
