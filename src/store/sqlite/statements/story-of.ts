import type { DatabaseSync } from 'node:sqlite'
import { inOrderOfOccurrence } from '../../story-order.ts'
import type { StoredEvent } from '../../listings.ts'
import { EVERY_EVENT, IN_BLOCK, prepareBlocks } from './blocks.ts'
import { prepareEventRows } from './event-rows.ts'

export function prepareStoryOf(db: DatabaseSync) {
  const rows = prepareEventRows(db)
  const blocksOf = prepareBlocks(db)
  const selectNewest = db.prepare(
    `select e.seq from events e indexed by events_credential where ${IN_BLOCK} order by e.seq desc limit :limit`,
  )

  return ({ credentialId, limit }: { credentialId: string; limit: number }): StoredEvent[] => {
    const newest = newestOf(credentialId.toLowerCase(), limit)
    return inOrderOfOccurrence(newest.flatMap((seq) => rows.stored(seq) ?? []))
  }

  function newestOf(credential: string, limit: number): number[] {
    const newest: number[] = []
    for (const block of blocksOf(EVERY_EVENT)) {
      const found = selectNewest.all({ block, credential, limit: limit - newest.length })
      for (const { seq } of found) newest.push(seq as number)
      if (newest.length >= limit) break
    }
    return newest
  }
}
