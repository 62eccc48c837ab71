import { LOOKED_AT_FOR_EACH, namedNext, stepRows } from '../../replay-scope.ts'
import type { ReplayScope, ReplayStep, ReplayWalk, StepReplayRequest } from '../../store.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { historyLock } from '../history-lock.ts'
import { NOW, laterBy, msBetween } from '../span-of-time.ts'
import { ALL_WALKS, walkParameters, walkSqlOf } from './replay-walk.ts'
import type { WalkSql } from './replay-walk.ts'

const NOT_TAKEN: ReplayStep = { replayed: 0, isFirst: false, nextStepInMs: null, isLast: false }

const READ: Statement = {
  name: 'read-replay',
  text: `select scope, per_second, steps, at_seq, at_hook, upto_seq, seqs, ${msBetween(NOW, 'next_step_at')} as wait_ms
    from seam_relay.replays where id = $1 and (state = 'running') is true`,
}

/** The state of what someone else has claimed since it was seen is asked for again: it is left alone. */
const PUT_BACK = `update seam_relay.deliveries d
      set state = 'pending', due_at = ${NOW}, active_since = ${NOW}, failures = 0, failing_since = null,
        settled_at = null, ended_code = null, replays = d.replays + 1
      from chosen c where d.event_seq = c.seq and d.hook = c.hook and d.state = any($9::text[]) returning 1`

const MAKE = `insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, order_key, replays)
      select e.seq, c.hook, 'pending', ${NOW}, ${NOW}, e.credential_id, 1
      from chosen c join seam_relay.events e on e.seq = c.seq on conflict do nothing returning 1`

const STEPS = new Map(ALL_WALKS.map((walk) => [walk.name, stepOf(walk)]))

/**
 * Puts back the next few, and writes down up to where the replay has come. Nothing happens if the replay was ended or
 * another replica took this step: then there is no `job`. `is true`: see claim-ordered.ts.
 */
function stepOf({ name, seen, order, reversed, parameters }: WalkSql): Statement {
  const [id, steps, most, pauseMs, perSecond, afterNamed] = [1, 2, 3, 4, 5, 6].map(
    (n) => `$${parameters + n}`,
  )
  const step = `greatest(${pauseMs}::float8, coalesce(ceil(1000.0 * n.replayed / ${perSecond}::integer), 0))`
  return {
    name: `step-replay-${name}`,
    text: `
    with job as materialized (
      select id from seam_relay.replays
      where id = ${id}::uuid and (state = 'running') is true and steps = ${steps}::integer for update
    ), seen as materialized (
      ${seen}
    ), numbered as materialized (
      select seq, hook, fits, count(*) filter (where fits) over (order by ${order} rows unbounded preceding) as nth
      from seen
    ), passed as materialized (
      select seq, hook, fits from numbered where nth <= ${most}::integer and (select true from job) is true
    ), chosen as materialized (
      select seq, hook from passed where fits
    ), put as (
      ${name.endsWith('missing') ? MAKE : PUT_BACK}
    ), outcome as materialized (
      select (select count(*) from put) as replayed,
        (select count(*) from seen) < $4 and (select count(*) from seen) = (select count(*) from passed) as is_exhausted,
        (select seq from passed order by ${reversed} limit 1) as seq,
        (select hook from passed order by ${reversed} limit 1) as hook
    ), written as (
      update seam_relay.replays r set
        replayed = r.replayed + n.replayed, steps = r.steps + 1,
        at_seq = case when n.is_exhausted then coalesce(${afterNamed}::bigint, r.at_seq) else n.seq end,
        at_hook = case when n.is_exhausted then '' else n.hook end,
        state = case when n.is_exhausted and ${afterNamed} is null then 'finished' else 'running' end,
        ended_at = case when n.is_exhausted and ${afterNamed} is null then ${NOW} end,
        next_step_at = ${laterBy(step)}
      from outcome n where r.id = ${id}::uuid and (select true from job) is true
      returning n.replayed, r.state, ${step} as next_step_in_ms
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
  { limit, pauseMs }: StepReplayRequest,
): Promise<ReplayStep> {
  const statement = STEPS.get(walkSqlOf(scope, walk).name) as Statement
  const last = namedNext(walk)?.at(-1)
  const afterNamed = last === undefined || last === walk.seqs?.at(-1) ? null : last + 1
  const ofWalk = walkParameters(scope, walk, limit * LOOKED_AT_FOR_EACH)
  const ofStep = [id, steps, stepRows(limit, perSecond), pauseMs, perSecond, afterNamed]
  const [, [written] = []] = await connections.transaction([historyLock, [statement, [...ofWalk, ...ofStep]]])
  if (written === undefined) return { ...NOT_TAKEN, nextStepInMs: pauseMs }
  const isLast = written['state'] !== 'running'
  const nextStepInMs = isLast ? null : Math.ceil(written['next_step_in_ms'] as number)
  return { replayed: written['replayed'] as number, isFirst: steps === 0, nextStepInMs, isLast }
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
