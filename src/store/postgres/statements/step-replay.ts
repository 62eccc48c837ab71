import { LATER_LOOKED_AT, LOOKED_AT_FOR_EACH, namedNext, stepRows } from '../../replay-scope.ts'
import type { ReplayScope, ReplayStep, ReplayWalk, StepReplayRequest } from '../../replay-jobs.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { historyLock } from '../history-lock.ts'
import { NOW, laterBy, msBetween } from '../span-of-time.ts'
import { lockForReplay } from './ordering-locks.ts'
import { ALL_WALKS, walkParameters, walkSqlOf } from './replay-walk.ts'
import type { WalkSql } from './replay-walk.ts'

const NOT_TAKEN: ReplayStep = {
  replayed: 0,
  changesDue: false,
  isFirst: false,
  nextStepInMs: null,
  isLast: false,
}

const READ: Statement = {
  name: 'read-replay',
  text: `select scope, per_second, steps, at_seq, at_hook, upto_seq, seqs, ${msBetween(NOW, 'next_step_at')} as wait_ms
    from seam_relay.replays where id = $1 and (state = 'running') is true`,
}

/** The state of what someone else has claimed since it was seen is asked for again: it is left alone. */
const PUT_BACK = `update seam_relay.deliveries d
      set state = 'pending', due_at = coalesce(c.waits_until, ${NOW}), active_since = coalesce(c.waits_until, ${NOW}),
        failures = 0, failing_since = null, settled_at = null, ended_code = null, replays = d.replays + 1
      from chosen c where d.event_seq = c.seq and d.hook = c.hook and d.state = any($9::text[]) returning 1`

const MAKE = `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, order_key, replays)
      select e.seq, c.hook, 'pending', coalesce(c.waits_until, ${NOW}), coalesce(c.waits_until, ${NOW}), e.credential_id, 1
      from chosen c join seam_relay.events e on e.seq = c.seq on conflict do nothing returning 1`

/**
 * Until when a later event of the credential is leased at the hook; null if none is. At an ordered hook the leased one is the
 * first that is undelivered, but for those that wait for it: so a few are enough to look at, however many are in line.
 */
function laterLease(seq: string, hook: string): string {
  return `(select max(l.due_at) from (
        select p.state, p.due_at from seam_relay.deliveries p
        where p.hook = ${hook} and p.order_key = (select e.credential_id from seam_relay.events e where e.seq = ${seq})
          and p.event_seq > ${seq} and p.settled_at is null
        order by p.event_seq limit ${LATER_LOOKED_AT}
      ) l where l.state = 'leased' and l.due_at > ${NOW} and l.due_at < 'infinity')`
}

const STEPS = new Map(ALL_WALKS.map((walk) => [walk.name, stepOf(walk)]))

/**
 * Puts back the next few, and writes down up to where the replay has come. Nothing happens if the replay was ended or
 * another replica took this step: then there is no `job`. `is true`: see claim-ordered.ts.
 *
 * At an ordered hook a later event of the credential may be under way. Then the delivery is put back all the same, so that
 * what is in line does not go before it, but as one that is active, and due, only when that lease runs out. The replay
 * stops at it, and each step asks whether the later one has ended; then it is due. If the replay is ended meanwhile, it goes
 * when the lease runs out.
 */
function stepOf({ name, seen, order, reversed, parameters }: WalkSql): Statement {
  const [id, steps, most, pauseMs, perSecond, afterNamed, ordered] = [1, 2, 3, 4, 5, 6, 7].map(
    (n) => `$${parameters + n}`,
  )
  const step = `greatest(${pauseMs}::float8, coalesce(ceil(1000.0 * n.replayed / ${perSecond}::integer), 0))`
  return {
    name: `step-replay-${name}`,
    text: `
    with job as materialized (
      select id from seam_relay.replays
      where id = ${id}::uuid and (state = 'running') is true and steps = ${steps}::integer for update
    ), waiting as materialized (
      select d.event_seq as seq, d.hook, ${laterLease('d.event_seq', 'd.hook')} is not null as goes_on
      from seam_relay.deliveries d
      where d.event_seq = $1::bigint and d.hook = $2::text and d.hook = any(${ordered}::text[])
        and (d.state = 'pending' and d.due_at = d.active_since and d.due_at > ${NOW}) is true
        and (select true from job) is true
    ), released as (
      update seam_relay.deliveries d set due_at = ${NOW}, active_since = ${NOW}
      from waiting w where not w.goes_on and d.event_seq = w.seq and d.hook = w.hook and d.state = 'pending' returning 1
    ), seen as materialized (
      ${seen}
    ), numbered as materialized (
      select seq, hook, fits, count(*) filter (where fits) over (order by ${order} rows unbounded preceding) as nth
      from seen
    ), within as materialized (
      select seq, hook, fits,
        case when fits and hook = any(${ordered}) then ${laterLease('n.seq', 'n.hook')} end as waits_until
      from numbered n where nth <= ${most}::integer and (select true from job) is true
        and (select true from waiting where goes_on) is null
    ), passed as materialized (
      select seq, hook, fits, waits_until from (
        select *, count(waits_until) over (order by ${order} rows between unbounded preceding and 1 preceding) as stops
        from within
      ) w where stops = 0
    ), chosen as materialized (
      select seq, hook, waits_until from passed where fits
    ), put as (
      ${name.endsWith('missing') ? MAKE : PUT_BACK}
    ), outcome as materialized (
      select (select count(*) from put) as replayed,
        (select count(*) from released) > 0 as is_released,
        (select count(*) from seen) < $4 and (select count(*) from seen) = (select count(*) from passed)
          and (select true from waiting where goes_on) is null
          and (select true from passed where waits_until is not null limit 1) is null as is_exhausted,
        (select seq from passed order by ${reversed} limit 1) as seq,
        (select hook from passed order by ${reversed} limit 1) as hook
    ), written as (
      update seam_relay.replays r set
        replayed = r.replayed + n.replayed, steps = r.steps + 1,
        at_seq = case when n.is_exhausted then coalesce(${afterNamed}::bigint, r.at_seq) else coalesce(n.seq, r.at_seq) end,
        at_hook = case when n.is_exhausted then '' else coalesce(n.hook, r.at_hook) end,
        state = case when n.is_exhausted and ${afterNamed} is null then 'finished' else 'running' end,
        ended_at = case when n.is_exhausted and ${afterNamed} is null then ${NOW} end,
        next_step_at = ${laterBy(step)}
      from outcome n where r.id = ${id}::uuid and (select true from job) is true
      returning n.replayed, n.is_released, r.state, ${step} as next_step_in_ms
    )
    select * from written`,
  }
}

/** A replay as it was read before its step. */
export interface RunningReplay {
  id: string
  scope: ReplayScope
  perSecond: number | null
  steps: number
  walk: ReplayWalk
}

export async function stepReplay(connections: Connections, request: StepReplayRequest): Promise<ReplayStep> {
  const [row] = await connections.run(READ, [request.id])
  if (row === undefined) return NOT_TAKEN
  const waitMs = Math.ceil(row['wait_ms'] as number)
  if (waitMs > 0) return { ...NOT_TAKEN, nextStepInMs: waitMs }
  return takeStep(connections, runningReplayOf(request.id, row), request)
}

export async function takeStep(
  connections: Connections,
  { id, scope, perSecond, steps, walk }: RunningReplay,
  { limit, pauseMs, orderedHooks }: StepReplayRequest,
): Promise<ReplayStep> {
  const statement = STEPS.get(walkSqlOf(scope, walk).name) as Statement
  const last = namedNext(walk)?.at(-1)
  const afterNamed = last === undefined || last === walk.seqs?.at(-1) ? null : last + 1
  const ofWalk = walkParameters(scope, walk, limit * LOOKED_AT_FOR_EACH)
  const ordered = orderedHooks.filter((hook) => scope.hook === undefined || scope.hook === hook)
  const ofStep = [id, steps, stepRows(limit, perSecond), pauseMs, perSecond, afterNamed, ordered]
  const results = await connections.transaction([
    historyLock,
    lockForReplay(ordered),
    [statement, [...ofWalk, ...ofStep]],
  ])
  const written = results.at(-1)?.[0]
  if (written === undefined) return { ...NOT_TAKEN, nextStepInMs: pauseMs }
  const isLast = written['state'] !== 'running'
  const nextStepInMs = isLast ? null : Math.ceil(written['next_step_in_ms'] as number)
  const replayed = written['replayed'] as number
  const changesDue = replayed > 0 || (written['is_released'] as boolean)
  return { replayed, changesDue, isFirst: steps === 0, nextStepInMs, isLast }
}

function runningReplayOf(id: string, row: Row): RunningReplay {
  return {
    id,
    scope: row['scope'] as ReplayScope,
    perSecond: row['per_second'] as number | null,
    steps: row['steps'] as number,
    walk: {
      seq: row['at_seq'] as number,
      hook: row['at_hook'] as string,
      uptoSeq: row['upto_seq'] as number,
      seqs: row['seqs'] as number[] | null,
    },
  }
}
