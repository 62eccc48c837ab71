import { FEW_UNDELIVERED, belowOf, pageEnd } from '../../bounded-page.ts'
import type { DeliveriesScan, Look } from '../../bounded-page.ts'
import type { Position } from '../../cursor.ts'
import type { DeliverySummary, Page } from '../../listings.ts'
import type { Connections, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'
import { CODE, STATE } from './event-rows.ts'
import { hooksWith } from './hooks-with.ts'
import { foundOf, lookOf } from './seen-rows.ts'

/*
 * The dead by their index, each hook's newest first; the undelivered by theirs, where they are few; all others, and the
 * undelivered where they are many and so easily met, newest first along all deliveries. Each scan goes on from a delivery
 * ($1, $2), looks at so many rows ($3), of which some are of the state ($5), the hook ($6) and the code ($7), and gives as
 * many as a page takes ($4).
 */

/** By `case`, so that the code is looked up for those alone that fit otherwise. */
const FITS = `case when $5::text is not null and d.state <> $5 then false
    when $6::text is not null and d.hook <> $6 then false when $7::text is null then true
    else ${CODE} = $7 end`
const COLUMNS = 'd.event_seq, d.hook, d.state, d.ended_code'
const NEWEST_FIRST = 'd.event_seq desc, d.hook collate "C" desc'
const BEFORE = '(d.event_seq < $1::bigint or d.hook collate "C" < $2::text)'

const ALL: Statement = {
  name: 'list-deliveries',
  text: seenSql(`
    select ${COLUMNS} from seam_relay.deliveries d where d.event_seq <= $1 and ${BEFORE}
    order by ${NEWEST_FIRST} limit $3::integer`),
}
const DEAD: Statement = {
  name: 'list-dead-deliveries',
  text: seenSql(`
    select d.* from unnest($8::text[], $9::bigint[]) h (hook, below) cross join lateral (
      select ${COLUMNS} from seam_relay.deliveries d where d.state = 'dead' and d.hook = h.hook and d.event_seq < h.below
      order by d.event_seq desc limit $3::integer
    ) d where d.event_seq <= $1 and ${BEFORE} order by ${NEWEST_FIRST} limit $3`),
}
const UNDELIVERED = listUndelivered('list-undelivered', '$8::text is null')
const UNDELIVERED_OF_HOOK = listUndelivered('list-undelivered-of-hook', 'd.hook = $8::text')
const COUNT = countUndelivered('count-undelivered', '$1::text is null')
const COUNT_OF_HOOK = countUndelivered('count-undelivered-of-hook', 'd.hook = $1::text')

const SHOWN: Statement = {
  name: 'delivery-summaries',
  text: `
  select d.* from unnest($1::bigint[], $2::text[]) with ordinality s (seq, hook, n) cross join lateral (
    select d.event_seq as "eventSeq", e.event_id as "eventId", e.webhook_id as "webhookId",
      e.event_type as "eventType", e.credential_id as "credentialId", round(${msOf('e.accepted_at')}) as "acceptedAt",
      ${STATE}
    from seam_relay.deliveries d cross join lateral (
      select e.event_id, e.webhook_id, e.event_type, e.credential_id, e.accepted_at
      from seam_relay.events e where e.seq = d.event_seq offset 0
    ) e where d.event_seq = s.seq and d.hook = s.hook offset 0
  ) d order by s.n`,
}

function seenSql(rows: string): string {
  return `
  with seen as materialized (
    select d.event_seq as seq, d.hook, (${FITS}) as fits from (${rows}
    ) d
  ) ${foundOf('seen', '$4')}`
}

/** Their numbers are read and sorted, and then so many of them looked up. Twice the bound: more may have come since they were counted. */
function listUndelivered(name: string, condition: string): Statement {
  return {
    name,
    text: seenSql(`
    select ${COLUMNS} from (
      select d.event_seq, d.hook from (
        select d.event_seq, d.hook from seam_relay.deliveries d
        where d.settled_at is null and ${condition} limit ${2 * FEW_UNDELIVERED}
      ) d where d.event_seq <= $1 and ${BEFORE} order by ${NEWEST_FIRST} limit $3::integer
    ) s cross join lateral (
      select ${COLUMNS} from seam_relay.deliveries d where d.event_seq = s.event_seq and d.hook = s.hook offset 0
    ) d`),
  }
}

function countUndelivered(name: string, condition: string): Statement {
  return {
    name,
    text: `
  select count(*) as count from (
    select from seam_relay.deliveries d where d.settled_at is null and ${condition} limit ${FEW_UNDELIVERED + 1}
  ) d`,
  }
}

export async function listDeliveries(
  connections: Connections,
  scan: DeliveriesScan,
): Promise<Page<DeliverySummary>> {
  const { shown, ...end } = pageEnd('deliveries', await look(connections, scan), scan.limit)
  return { items: await summariesOfDeliveries(connections, shown), ...end }
}

async function look(connections: Connections, scan: DeliveriesScan): Promise<Look> {
  const { limit, looked, before, state, hook, code, among } = scan
  const values = [before.at, before.name, looked, limit, state, hook, code]
  if (among === 'dead') {
    const hooks = hook === null ? await hooksWith(connections, 'dead') : [hook]
    const below = hooks.map((one) => belowOf(one, before))
    return lookOf(await connections.run(DEAD, [...values, hooks, below]), looked)
  }
  if (among === 'undelivered') {
    const [row] = await connections.run(hook === null ? COUNT : COUNT_OF_HOOK, [hook])
    if ((row?.['count'] as number) <= FEW_UNDELIVERED) {
      const statement = hook === null ? UNDELIVERED : UNDELIVERED_OF_HOOK
      return lookOf(await connections.run(statement, [...values, hook]), looked)
    }
  }
  return lookOf(await connections.run(ALL, values), looked)
}

/** In their order. One that was deleted since it was found is left out. */
export async function summariesOfDeliveries(
  connections: Connections,
  shown: readonly Position[],
): Promise<DeliverySummary[]> {
  if (shown.length === 0) return []
  const keys = [shown.map(({ at }) => at), shown.map(({ name }) => name)]
  return (await connections.run(SHOWN, keys)) as unknown as DeliverySummary[]
}
