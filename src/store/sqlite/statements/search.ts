import type { DatabaseSync } from 'node:sqlite'
import { LOOKED_AT } from '../../bounded-page.ts'
import { COUNTED_EVENTS, searchHits } from '../../search-hits.ts'
import type { Found } from '../../search-hits.ts'
import type { SearchHit } from '../../listings.ts'
import { EVERY_EVENT, IN_BLOCK, prepareBlocks } from './blocks.ts'
import { prepareSeqOf } from './find-event.ts'

/** By the indices that there are; by what has none, only among the newest events. Bodies are never searched. */
export function prepareSearch(db: DatabaseSync) {
  const seqOf = prepareSeqOf(db)
  const blocksOf = prepareBlocks(db)
  const selectEvent = db.prepare(
    `select webhook_id as id, event_type as "eventType", accepted_at as "acceptedAt" from events where seq = ?`,
  )
  const countInBlock = db.prepare(
    `select count(*) as count from (
       select 1 from events e indexed by events_credential where ${IN_BLOCK} limit ${COUNTED_EVENTS})`,
  )
  const selectQuarantined = db.prepare('select id, received_at as "receivedAt" from quarantine where id = ?')
  const selectReplay = db.prepare('select id from replays where id = ?')
  const searchNewest = db.prepare(
    `select max(iif(message_id = :id, seq, null)) as message, max(workspace_id = :lower) as workspace,
       max(system_id = :lower) as system, max(account_id = :lower) as account
     from (select seq, message_id, workspace_id, system_id, account_id from events order by seq desc limit ${LOOKED_AT})`,
  )

  return (id: string): SearchHit[] => {
    const lower = id.toLowerCase()
    const newest = searchNewest.get({ id, lower }) as Record<string, number | null>
    return searchHits(id, {
      event: eventOf(seqOf(id)),
      ofCredential: countOf(lower),
      quarantined: (selectQuarantined.get(lower) as Found['quarantined'] | undefined) ?? null,
      replay: (selectReplay.get(lower)?.['id'] as string | undefined) ?? null,
      ofMessage: eventOf(newest['message'] ?? null),
      isWorkspace: newest['workspace'] === 1,
      isSystem: newest['system'] === 1,
      isAccount: newest['account'] === 1,
    })
  }

  function countOf(credential: string): number {
    let count = 0
    for (const block of blocksOf(EVERY_EVENT)) {
      count += countInBlock.get({ block, credential })?.['count'] as number
      if (count >= COUNTED_EVENTS) return COUNTED_EVENTS
    }
    return count
  }

  function eventOf(seq: number | null): Found['event'] {
    if (seq === null) return null
    return (selectEvent.get(seq) as Found['event'] | undefined) ?? null
  }
}
