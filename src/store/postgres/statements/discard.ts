import type { DiscardRequest } from '../../replay-jobs.ts'
import type { Connections, Statement } from '../connections.ts'
import { NOW } from '../span-of-time.ts'
import { unblockAll } from './unblock.ts'

/**
 * Blocked deliveries go first: their time is the latest. So when this is broken off and the hook comes back, none is left
 * blocked by one that was given up.
 */
const DISCARD: Statement = {
  name: 'discard',
  text: `
  with chosen as materialized (
    select event_seq from seam_relay.deliveries
    where hook = $1 and due_at is not null and (state = 'pending' or due_at <= ${NOW} or due_at = 'infinity')
    order by due_at desc limit $2 for update skip locked
  ), discarded as (
    update seam_relay.deliveries d
    set state = 'dead', due_at = null, settled_at = ${NOW}, ended_code = 'discarded'
    from chosen c where d.hook = $1 and d.event_seq = c.event_seq returning 1
  )
  select count(*) as discarded from discarded`,
}

export async function discard(
  connections: Connections,
  { hook, limit }: DiscardRequest,
): Promise<{ discarded: number }> {
  const discarded = (await connections.run(DISCARD, [hook, limit]))[0]?.['discarded'] as number
  if (discarded < limit) await connections.transaction([unblockAll([hook])])
  return { discarded }
}
