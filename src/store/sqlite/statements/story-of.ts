import type { DatabaseSync } from 'node:sqlite'
import { inOrderOfOccurrence } from '../../story-order.ts'
import type { StoredEvent } from '../../listings.ts'
import { prepareEventRows } from './event-rows.ts'

export function prepareStoryOf(db: DatabaseSync) {
  const rows = prepareEventRows(db)
  const selectNewest = db.prepare(
    `select seq from events indexed by events_credential where credential_id = ? order by seq desc limit ?`,
  )

  return ({ credentialId, limit }: { credentialId: string; limit: number }): StoredEvent[] => {
    const newest = selectNewest.all(credentialId.toLowerCase(), limit)
    return inOrderOfOccurrence(newest.flatMap(({ seq }) => rows.stored(seq as number) ?? []))
  }
}
