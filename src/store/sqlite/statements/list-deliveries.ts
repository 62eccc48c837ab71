import type { DatabaseSync } from 'node:sqlite'
import { FEW_UNDELIVERED, belowOf, newestFirst, pageEnd } from '../../bounded-page.ts'
import type { DeliveriesScan, Look } from '../../bounded-page.ts'
import type { Position } from '../../cursor.ts'
import type { DeliverySummary, Page } from '../../listings.ts'
import { CODE, STATE } from './event-rows.ts'
import { prepareHooksWith } from './hooks-with.ts'

type Seen = [seq: number, hook: string, fits: number | null]

/** By `case`, so that the code is looked up for those alone that fit otherwise. */
const FITS = `case when :state is not null and d.state <> :state then 0 when :hook is not null and d.hook <> :hook then 0
  when :code is null then 1 else ${CODE} = :code end`

/**
 * The dead by their index, each hook's newest first; the undelivered by theirs, where they are few; all others, and the
 * undelivered where they are many and so easily met, newest first along all deliveries.
 */
export function prepareListDeliveries(db: DatabaseSync) {
  const hooksWith = prepareHooksWith(db)
  const seeAll = db.prepare(
    `select d.event_seq, d.hook, ${FITS} from deliveries d where (d.event_seq, d.hook) < (:seq, :name)
     order by d.event_seq desc, d.hook desc limit :looked`,
  )
  const seeDead = db.prepare(
    `select d.event_seq, d.hook from deliveries d indexed by deliveries_dead
     where d.state = 'dead' and d.hook = ? and d.event_seq < ? order by d.event_seq desc limit ?`,
  )
  const seeUndelivered = db.prepare(
    'select event_seq, hook from deliveries indexed by deliveries_order where settled_at is null limit ?',
  )
  const seeUndeliveredOf = db.prepare(
    `select event_seq, hook from deliveries indexed by deliveries_order where settled_at is null and hook = ? limit ?`,
  )
  const seeOne = db.prepare(
    `select d.event_seq, d.hook, ${FITS} from deliveries d where d.event_seq = :seq and d.hook = :name`,
  )
  for (const statement of [seeAll, seeDead, seeUndelivered, seeUndeliveredOf, seeOne]) {
    statement.setReturnArrays(true)
  }
  const selectAcceptedAt = db.prepare('select accepted_at as at from events where seq = ?')
  const selectOne = db.prepare(
    `select d.event_seq as "eventSeq", e.event_id as "eventId", e.webhook_id as "webhookId", e.event_type as "eventType",
       e.credential_id as "credentialId", e.accepted_at as "acceptedAt", ${STATE}
     from deliveries d join events e on e.seq = d.event_seq where d.event_seq = ? and d.hook = ?`,
  )

  return (scan: DeliveriesScan): Page<DeliverySummary> => {
    const { shown, ...end } = pageEnd('deliveries', look(scan), scan.limit)
    const items = shown.flatMap(({ at, name }) => {
      const row = selectOne.get(at, name)
      return row === undefined ? [] : [{ ...row } as unknown as DeliverySummary]
    })
    return { items, ...end }
  }

  function look(scan: DeliveriesScan): Look {
    const { limit, looked } = scan
    const fitting: Position[] = []
    let last: Position | null = null
    let count = 0
    for (const [at, name, fits] of seenBy(scan)) {
      last = { at, name }
      if (fits === 1) fitting.push(last)
      if (++count === looked || fitting.length > limit) {
        const acceptedAt = (selectAcceptedAt.get(at)?.['at'] as number | undefined) ?? null
        return { fitting, last: { position: last, acceptedAt }, isThrough: false }
      }
    }
    return { fitting, last: null, isThrough: true }
  }

  function seenBy(scan: DeliveriesScan): Iterable<Seen> {
    const { before, looked, state, hook, code, among } = scan
    if (among === 'dead') return fitsOf(scan, deadBefore(scan))
    const few = among === 'undelivered' ? undeliveredIfFew(hook) : null
    if (few !== null) return fitsOf(scan, newestFirst(few, before))
    const parameters = { seq: before.at, name: before.name, looked, state, hook, code }
    return seeAll.iterate(parameters) as unknown as Iterable<Seen>
  }

  function deadBefore({ before, hook, looked }: DeliveriesScan): Position[] {
    const hooks = hook === null ? hooksWith('dead') : [hook]
    const dead = hooks.flatMap((one) => positions(seeDead.all(one, belowOf(one, before), looked)))
    return newestFirst(dead, before)
  }

  function undeliveredIfFew(hook: string | null): Position[] | null {
    const [most, all] = [FEW_UNDELIVERED + 1, hook === null]
    const rows = all ? seeUndelivered.all(most) : seeUndeliveredOf.all(hook, most)
    return rows.length < most ? positions(rows) : null
  }

  function* fitsOf({ state, hook, code }: DeliveriesScan, found: readonly Position[]): Generator<Seen> {
    for (const { at, name } of found) {
      const seen = seeOne.get({ seq: at, name, state, hook, code })
      if (seen !== undefined) yield seen as unknown as Seen
    }
  }
}

function positions(rows: unknown[]): Position[] {
  return (rows as [number, string][]).map(([at, name]) => ({ at, name }))
}
