import type { DatabaseSync } from 'node:sqlite'
import { EVENTS_OF_BLOCK } from '../../event-blocks.ts'

/** Of `events e indexed by events_credential`: a seek into the index for each block. */
export const IN_BLOCK = `e.seq / ${EVENTS_OF_BLOCK} = :block and e.credential_id = :credential`

/** The blocks that have the events from `floor` on and below `before`, newest first. Some may be empty. */
export function prepareBlocks(db: DatabaseSync) {
  const selectFirst = db.prepare('select min(seq) as seq from events where seq >= ?')
  const selectLast = db.prepare('select max(seq) as seq from events where seq < ?')

  return function* ({ floor, before }: { floor: number; before: number }): Generator<number> {
    const first = selectFirst.get(floor)?.['seq'] as number | null
    const last = selectLast.get(before)?.['seq'] as number | null
    if (first === null || last === null) return
    const oldest = blockOf(first)
    for (let block = blockOf(last); block >= oldest; block--) yield block
  }
}

/** All that there are. */
export const EVERY_EVENT = { floor: 0, before: Number.MAX_SAFE_INTEGER }

function blockOf(seq: number): number {
  return Math.floor(seq / EVENTS_OF_BLOCK)
}
