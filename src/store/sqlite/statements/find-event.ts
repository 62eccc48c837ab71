import type { DatabaseSync } from 'node:sqlite'
import { SAMPLE_EVENT_ID } from '../../../events/event.ts'
import { LOOKED_AT } from '../../bounded-page.ts'
import { bestMatch, keysOf } from '../../event-by-id.ts'
import type { EventMatch } from '../../event-by-id.ts'
import type { StoredEvent } from '../../listings.ts'
import { prepareEventRows } from './event-rows.ts'

export function prepareFindEvent(db: DatabaseSync) {
  const seqOf = prepareSeqOf(db)
  const rows = prepareEventRows(db)
  return (id: string): StoredEvent | null => {
    const seq = seqOf(id)
    return seq === null ? null : rows.stored(seq)
  }
}

/** The number of the event of this id. */
export function prepareSeqOf(db: DatabaseSync) {
  const selectMatches = db.prepare(
    `select e.seq, e.event_id as "eventId", e.webhook_id as "webhookId"
     from event_ids i join events e on e.seq = i.seq where i.webhook_id in (?, ?, ?, ?)`,
  )
  const selectSample = db.prepare(
    `select seq from (select seq, is_sample from events order by seq desc limit ?)
     where is_sample = 1 order by seq desc limit 1`,
  )

  return (id: string): number | null => {
    if (id === SAMPLE_EVENT_ID) {
      const sample = selectSample.get(LOOKED_AT)
      if (sample !== undefined) return sample['seq'] as number
    }
    return bestMatch(id, selectMatches.all(...keysOf(id)) as unknown as EventMatch[])
  }
}
