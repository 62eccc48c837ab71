import type { PruneRequest, PruneResult } from '../../store.ts'
import type { Connections, Row, Statement, Step } from '../connections.ts'
import { historyLock } from '../history-lock.ts'
import { NOW, laterBy } from '../span-of-time.ts'

// Walks events and ids in the order of acceptance, each from where the step before came to ($1), looks at so many
// ($2), and deletes those that are older ($3). A walk is through when it meets nothing old any more.

const OLD = `accepted_at < ${laterBy('-$3::float8', NOW)}`

const PRUNE_EVENTS: Statement = {
  name: 'prune-events',
  text: `
  with seen as materialized (
    select e.seq, e.${OLD} as is_old, (
      select true from seam_relay.deliveries d
      where d.event_seq = e.seq and d.state <> 'delivered' and d.ended_code is null limit 1
    ) is not null as is_kept
    from seam_relay.events e where e.seq > $1 order by e.seq limit $2
  ), doomed as materialized (
    select seq from seen where is_old and not is_kept
  ), attempts as (
    delete from seam_relay.attempts a using doomed where a.event_seq = doomed.seq
  ), deliveries as (
    delete from seam_relay.deliveries d using doomed where d.event_seq = doomed.seq
  ), events as (
    delete from seam_relay.events e using doomed where e.seq = doomed.seq
  )
  select count(*) as seen, count(*) filter (where is_old) as old, (select count(*) from doomed) as deleted,
    max(seq) as last from seen`,
}

const PRUNE_IDS: Statement = {
  name: 'prune-ids',
  text: `
  with seen as materialized (
    select i.seq, i.${OLD} as is_old, (
      select true from seam_relay.events e where e.seq = i.seq limit 1) is not null as is_kept
    from seam_relay.event_ids i where i.seq > $1 order by i.seq limit $2
  ), doomed as materialized (
    select seq from seen where is_old and not is_kept
  ), ids as (
    delete from seam_relay.event_ids i using doomed where i.seq = doomed.seq
  )
  select count(*) as seen, count(*) filter (where is_old) as old, (select count(*) from doomed) as deleted,
    max(seq) as last from seen`,
}

export async function prune(connections: Connections, request: PruneRequest): Promise<PruneResult> {
  const { payloadAgeMs, dedupAgeMs, limit, after } = request
  const from = after ?? { events: 0, ids: 0 }
  const events: Step | null = from.events === null ? null : [PRUNE_EVENTS, [from.events, limit, payloadAgeMs]]
  const ids: Step | null = from.ids === null ? null : [PRUNE_IDS, [from.ids, limit, dedupAgeMs]]
  const steps = [historyLock, events, ids].filter((step) => step !== null)
  const [, ...answers] = await connections.transaction(steps)
  const eventsWalk = walkOf(events === null ? undefined : answers.shift(), limit)
  const idsWalk = walkOf(ids === null ? undefined : answers.shift(), limit)
  return {
    pruned: eventsWalk.deleted,
    forgotten: idsWalk.deleted,
    next:
      eventsWalk.next === null && idsWalk.next === null
        ? null
        : { events: eventsWalk.next, ids: idsWalk.next },
  }
}

function walkOf(rows: Row[] | undefined, limit: number): { deleted: number; next: number | null } {
  const row = rows?.[0]
  if (row === undefined) return { deleted: 0, next: null }
  const { seen, old, deleted, last } = row as { seen: number; old: number; deleted: number; last: number }
  return { deleted, next: seen < limit || old === 0 ? null : last }
}
