import {
  isMissing,
  namedNext,
  patternsOf,
  soughtCode,
  statesOf,
  walkFrom,
  walkKindOf,
  walkOn,
} from '../../replay-scope.ts'
import type { CountReplayRequest, CountReplayResult, ReplayScope, ReplayWalk } from '../../replay-jobs.ts'
import type { Connections, Statement } from '../connections.ts'
import { momentOf } from '../span-of-time.ts'

/*
 * A walk along deliveries or events, each step from where the one before came to ($1, $2), up to the last event ($3), over
 * so many rows ($4). Of these fit those in the span ($5, $6), for the hook ($7), and of the named events ($8) where some
 * are named. Deliveries have to be in one of the states ($9) and to have failed with the code ($10). Missing ones are those
 * of the events in the workspaces ($9), systems ($13) and accounts ($14) and of the types ($10 to $12) that the hook wants. Lookups are written as
 * `(select true … limit 1)`, which leaves the planner one way: an `exists` it may answer by reading a whole table once.
 */

/** How the rows are seen that a walk looks at, each with its `seq`, its `hook` and whether it `fits`. */
export interface WalkSql {
  /** Tells the statements of the walks apart. */
  name: string
  seen: string
  order: string
  reversed: string
  /** How many parameters the walk has; further ones come after them. */
  parameters: number
}

const IN_SPAN = `e.accepted_at >= coalesce(${momentOf('$5::float8')}, '-infinity')
      and e.accepted_at < coalesce(${momentOf('$6::float8')}, 'infinity')`

const DELIVERY_FITS = `d.state = any($9::text[]) and ($7::text is null or d.hook = $7) and d.event_seq <= $3::bigint
      and (select true from seam_relay.events e where e.seq = d.event_seq and ${IN_SPAN} limit 1) is true
      and ($10::text is null or coalesce(d.ended_code, (
        select a.error_code from seam_relay.attempts a
        where a.event_seq = d.event_seq and a.hook = d.hook and a.error_code is not null
        order by a.attempt desc limit 1), '') = $10)`

const EVENT_FITS = `${IN_SPAN}
      and ($9::text[] is null or e.workspace_id = any($9))
      and ($13::text[] is null or e.system_id = any($13))
      and ($14::text[] is null or e.account_id = any($14))
      and ($10::boolean or e.event_type = any($11::text[])
        or (select true from unnest($12::text[]) as f (family) where starts_with(e.event_type, family) limit 1) is true)
      and (select true from seam_relay.deliveries d where d.event_seq = e.seq and d.hook = $7::text limit 1) is null`

const DELIVERY = 'd.event_seq, d.hook, d.state, d.ended_code'
const BY_SEQ = { order: 'seq, hook', reversed: 'seq desc, hook desc' }
const BY_HOOK = { order: 'hook, seq', reversed: 'hook desc, seq desc' }

function deliveries(rows: string): string {
  return `select d.event_seq as seq, d.hook, (${DELIVERY_FITS}) as fits from (${rows}) d`
}

function events(rows: string): string {
  return `select e.seq, $7::text as hook, (${EVENT_FITS}) as fits from (${rows}) e`
}

const EVENT = 'e.seq, e.event_type, e.workspace_id, e.system_id, e.account_id, e.accepted_at'

const WALKS = {
  // Those of another hook come after all of the one that is asked for: they end the walk.
  dead: {
    name: 'dead',
    seen: `${deliveries(`select ${DELIVERY} from seam_relay.deliveries d
      where d.state = 'dead' and (d.hook, d.event_seq) > ($2::text, $1::bigint) and $8::bigint[] is null
      order by d.hook, d.event_seq limit $4::integer`)} where $7 is null or d.hook = $7`,
    ...BY_HOOK,
    parameters: 10,
  },
  all: {
    name: 'all',
    seen: deliveries(`select ${DELIVERY} from seam_relay.deliveries d
      where (d.event_seq, d.hook) > ($1::bigint, $2::text) and d.event_seq <= $3 and $8::bigint[] is null
      order by d.event_seq, d.hook limit $4::integer`),
    ...BY_SEQ,
    parameters: 10,
  },
  named: {
    name: 'named',
    seen: deliveries(`select d.* from unnest($8::bigint[]) n (seq) cross join lateral (
        select ${DELIVERY} from seam_relay.deliveries d
        where d.event_seq = n.seq and (d.event_seq, d.hook) > ($1::bigint, $2::text) offset 0
      ) d order by d.event_seq, d.hook limit $4::integer`),
    ...BY_SEQ,
    parameters: 10,
  },
  missing: {
    name: 'missing',
    seen: events(`select ${EVENT} from seam_relay.events e
      where e.seq > $1::bigint and e.seq <= $3::bigint and $2::text is not null and $8::bigint[] is null
      order by e.seq limit $4::integer`),
    ...BY_SEQ,
    parameters: 14,
  },
  'named-missing': {
    name: 'named-missing',
    seen: events(`select e.* from unnest($8::bigint[]) n (seq) cross join lateral (
        select ${EVENT} from seam_relay.events e
        where e.seq = n.seq and e.seq > $1::bigint and e.seq <= $3::bigint and $2::text is not null offset 0
      ) e order by e.seq limit $4::integer`),
    ...BY_SEQ,
    parameters: 14,
  },
} as const satisfies Record<string, WalkSql>

export const ALL_WALKS: readonly WalkSql[] = Object.values(WALKS)

export function walkSqlOf(scope: ReplayScope, { seqs }: ReplayWalk): WalkSql {
  const kind = walkKindOf(scope)
  if (kind === 'missing') return seqs === null ? WALKS.missing : WALKS['named-missing']
  return seqs === null ? WALKS[kind] : WALKS.named
}

export function walkParameters(scope: ReplayScope, walk: ReplayWalk, limit: number): unknown[] {
  const seqs = namedNext(walk)
  // At the first of the named events the walk stands before its deliveries, that is, before the event itself.
  const seq = isMissing(scope) && seqs !== null && walk.hook === '' ? walk.seq - 1 : walk.seq
  const { hook = null, since = null, until = null } = scope
  const common = [seq, walk.hook, walk.uptoSeq, limit, since, until, hook, seqs]
  if (!isMissing(scope)) return [...common, statesOf(scope), soughtCode(scope.code)]
  const { all, types, families } = patternsOf(scope)
  const { workspaces, systems = null, accounts = null } = scope.missing
  return [...common, workspaces, all, types, families, systems, accounts]
}

const COUNTS = new Map(ALL_WALKS.map((walk) => [walk.name, countOf(walk)]))

function countOf({ name, seen, reversed }: WalkSql): Statement {
  return {
    name: `count-replay-${name}`,
    text: `
    with seen as materialized (
      ${seen}
    )
    select count(*) as seen, count(*) filter (where fits) as count,
      (select seq from seen order by ${reversed} limit 1) as seq,
      (select hook from seen order by ${reversed} limit 1) as hook
    from seen`,
  }
}

export async function countReplay(
  connections: Connections,
  { scope, limit, after }: CountReplayRequest,
): Promise<CountReplayResult> {
  const walk = after ?? (await beginWalk(connections, scope))
  const statement = COUNTS.get(walkSqlOf(scope, walk).name) as Statement
  const [row] = await connections.run(statement, walkParameters(scope, walk, limit))
  const { seen, count, seq, hook } = row as { seen: number; count: number; seq: number | null; hook: string }
  return { count, next: walkOn(walk, seq === null ? null : { seq, hook }, seen < limit) }
}

const BEGIN_WALK: Statement = {
  name: 'begin-replay-walk',
  text: `
  select (select seq from seam_relay.events order by seq desc limit 1) as last,
    case when $1::float8 is null then 1 else (
      select seq from seam_relay.events where accepted_at >= ${momentOf('$1::float8')} order by accepted_at limit 1
    ) end as first,
    (select json_agg(seq order by seq) from seam_relay.event_ids where webhook_id = any($2::text[])) as seqs`,
}

export async function beginWalk(connections: Connections, scope: ReplayScope): Promise<ReplayWalk> {
  const { since = null, webhookIds = null } = scope
  const [row] = await connections.run(BEGIN_WALK, [since, webhookIds])
  const { first, last, seqs } = row as { first: number | null; last: number | null; seqs: number[] | null }
  return walkFrom(scope, first, last ?? 0, webhookIds === null ? null : (seqs ?? []))
}
