import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { PruneRequest, PruneResult } from '../../store.ts'

/** What is freed is used again first; the file shrinks only while more of it than this part is free. */
const FREE_PART = 1 / 4
/** Below this many free pages (4 MiB) shrinking is not worth a write. */
const MIN_FREE_PAGES = 1024
/** More than a step of a few hundred events frees, so that shrinking keeps up. */
const SHRINK_PAGES = 128

/** A row that a pass looks at. */
type Seen = [seq: number, isOld: number, isKept: number]

/**
 * Walks events and ids in the order of acceptance, each from where the step before came to, so that what must be
 * kept is looked at once in a pass and not in every step. A walk is through when it meets nothing old any more;
 * a few that a wrong clock made young do not end it.
 */
export function preparePrune(db: DatabaseSync) {
  const seeEvents = db.prepare(
    `select e.seq, e.accepted_at < ?, exists (
       select 1 from deliveries d where d.event_seq = e.seq and d.state <> 'delivered' and d.ended_code is null)
     from events e where e.seq > ? order by e.seq limit ?`,
  )
  const seeIds = db.prepare(
    `select i.seq, i.accepted_at < ?, exists (select 1 from events e where e.seq = i.seq)
     from event_ids i where i.seq > ? order by i.seq limit ?`,
  )
  const deleteEvent = ['attempts where event_seq', 'deliveries where event_seq', 'events where seq'].map(
    (rows) => db.prepare(`delete from ${rows} = ?`),
  )
  const deleteId = [db.prepare('delete from event_ids where seq = ?')]
  const shrink = prepareShrink(db)

  return ({ payloadAgeMs, dedupAgeMs, limit, after }: PruneRequest, now: number): PruneResult => {
    const from = after ?? { events: 0, ids: 0 }
    const events = walk(seeEvents, deleteEvent, now - payloadAgeMs, from.events, limit)
    const ids = walk(seeIds, deleteId, now - dedupAgeMs, from.ids, limit)
    if (events.deleted + ids.deleted > 0) shrink()
    return {
      pruned: events.deleted,
      forgotten: ids.deleted,
      next: events.next === null && ids.next === null ? null : { events: events.next, ids: ids.next },
    }
  }
}

function walk(
  see: StatementSync,
  deleteRow: StatementSync[],
  olderThan: number,
  after: number | null,
  limit: number,
): { deleted: number; next: number | null } {
  if (after === null) return { deleted: 0, next: null }
  see.setReturnArrays(true)
  const seen = see.all(olderThan, after, limit) as unknown as Seen[]
  const doomed = seen.filter(([, isOld, isKept]) => isOld === 1 && isKept === 0)
  for (const [seq] of doomed) for (const statement of deleteRow) statement.run(seq)
  const isThrough = seen.length < limit || !seen.some(([, isOld]) => isOld === 1)
  return { deleted: doomed.length, next: isThrough ? null : (seen.at(-1)?.[0] ?? null) }
}

/** Gives a portion of the file's free pages back to the system, where there are many. */
function prepareShrink(db: DatabaseSync): () => void {
  const countFree = db.prepare('pragma freelist_count')
  const countAll = db.prepare('pragma page_count')
  return () => {
    const free = countFree.get()?.['freelist_count'] as number
    const all = countAll.get()?.['page_count'] as number
    // By `exec`, which goes on to the end of the portion; `run` moves one page.
    if (free > MIN_FREE_PAGES && free > all * FREE_PART) db.exec(`pragma incremental_vacuum(${SHRINK_PAGES})`)
  }
}
