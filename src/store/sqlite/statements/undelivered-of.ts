import type { DatabaseSync } from 'node:sqlite'
import { rowsForEachHook, undeliveredOfHooks } from '../../failure-groups.ts'
import type { UndeliveredCount } from '../../failure-groups.ts'
import type { UndeliveredOfHook } from '../../listings.ts'
import { CODE } from './event-rows.ts'
import { prepareHooksWith } from './hooks-with.ts'

type Seen = [seq: number, activeSince: number, counts: number]

const IS_OF_TYPE = `exists (select 1 from events e where e.seq = d.event_seq
  and e.event_type in (select value from json_each(:types)))`

/** Of each hook the oldest dead, without those that a person has given up, and of what waits those that are due first. */
export function prepareUndeliveredOf(db: DatabaseSync) {
  const hooksWith = prepareHooksWith(db)
  const seeDead = db.prepare(
    `select d.event_seq, d.active_since, ${IS_OF_TYPE}
     from deliveries d indexed by deliveries_given_up
     where d.state = 'dead' and d.ended_code is not 'discarded' and d.hook = :hook order by d.event_seq limit :most`,
  )
  const seeUndelivered = db.prepare(
    `select d.event_seq, d.active_since, d.active_since < :before and ${IS_OF_TYPE}
     from deliveries d indexed by deliveries_due
     where d.due_at is not null and d.hook = :hook order by d.due_at limit :most`,
  )
  for (const statement of [seeDead, seeUndelivered]) statement.setReturnArrays(true)
  const selectCode = db.prepare(
    `select ${CODE} as code from deliveries d where d.event_seq = ? and d.hook = ?`,
  )

  return (request: { eventTypes: readonly string[]; olderThanMs: number }, now: number) => {
    const types = JSON.stringify(request.eventTypes)
    const before = now - request.olderThanMs
    const [withDead, withUndelivered] = [hooksWith('open'), hooksWith('undelivered')]
    const deadMost = rowsForEachHook('undelivered', withDead.length)
    const most = rowsForEachHook('undelivered', withUndelivered.length)
    const counts = [
      ...withDead.map((hook) => countOf(hook, true, seeDead.all({ hook, most: deadMost, types }), deadMost)),
      ...withUndelivered.map((hook) =>
        countOf(hook, false, seeUndelivered.all({ hook, most, types, before }), most),
      ),
    ]
    return undeliveredOfHooks(counts, codeOf) satisfies UndeliveredOfHook[]
  }

  function codeOf(seq: number, hook: string): string | null {
    return (selectCode.get(seq, hook)?.['code'] ?? null) as string | null
  }
}

function countOf(hook: string, isDead: boolean, rows: unknown[], most: number): UndeliveredCount {
  const seen = rows as Seen[]
  let count = 0
  let lookedSince = Infinity
  let oldest: UndeliveredCount['oldest'] = null
  for (const [seq, since, counts] of seen) {
    lookedSince = Math.min(lookedSince, since)
    if (counts !== 1) continue
    count++
    if (oldest === null || since < oldest.since) oldest = { seq, since }
  }
  return { hook, isDead, count, lookedSince, oldest, isCutShort: seen.length === most }
}
