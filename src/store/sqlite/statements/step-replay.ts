import type { DatabaseSync } from 'node:sqlite'
import { LOOKED_AT_FOR_EACH, isMissing, stepRows } from '../../replay-scope.ts'
import type { ReplayScope, ReplayStep, ReplayWalk, StepReplayRequest } from '../../replay-jobs.ts'
import { prepareLaterLease } from './later-lease.ts'
import { prepareReplayWalk } from './replay-walk.ts'

type Row = Record<string, string | number | null>

const NOT_TAKEN: ReplayStep = {
  replayed: 0,
  changesDue: false,
  isFirst: false,
  nextStepInMs: null,
  isLast: false,
}

/**
 * Puts back the next few, and writes down in the same transaction up to where the replay has come.
 *
 * At an ordered hook a later event of the credential may be under way. Then the delivery is put back all the same, so that
 * what is in line does not go before it, but as one that is active, and due, only when that lease runs out. The replay
 * stops at it, and each step asks whether the later one has ended; then it is due. If the replay is ended meanwhile, it goes
 * when the lease runs out.
 */
export function prepareStepReplay(db: DatabaseSync) {
  const { find } = prepareReplayWalk(db)
  const laterLease = prepareLaterLease(db)
  const select = db.prepare(`select * from replays where id = ? and state = 'running'`)
  const putBack = db.prepare(
    `update deliveries set state = 'pending', due_at = ?1, active_since = ?1, failures = 0, failing_since = null, settled_at = null,
       ended_code = null, replays = replays + 1
     where event_seq = ?2 and hook = ?3`,
  )
  const make = db.prepare(
    `insert into deliveries (event_seq, hook, state, due_at, active_since, order_key, replays)
     select seq, ?3, 'pending', ?1, ?1, credential_id, 1 from events where seq = ?2`,
  )
  const selectWaiting = db.prepare(
    `select 1 from deliveries
     where event_seq = ? and hook = ? and state = 'pending' and due_at = active_since and due_at > ?`,
  )
  const release = db.prepare(
    'update deliveries set due_at = ?1, active_since = ?1 where event_seq = ?2 and hook = ?3',
  )
  const goOn = db.prepare(
    `update replays set replayed = replayed + ?, steps = steps + 1, at_seq = ?, at_hook = ?, next_step_at = ?
     where id = ?`,
  )
  const finish = db.prepare(`update replays set state = 'finished', ended_at = ? where id = ?`)

  return ({ id, limit, pauseMs, orderedHooks }: StepReplayRequest, now: number): ReplayStep => {
    const row = select.get(id) as Row | undefined
    if (row === undefined) return NOT_TAKEN
    const waitMs = (row['next_step_at'] as number) - now
    // After a restart the clock may be far behind the last step's: nothing is gained by waiting for it.
    if (waitMs > 0 && waitMs <= longestWaitMs(pauseMs)) return { ...NOT_TAKEN, nextStepInMs: waitMs }
    const walk = walkOf(row)
    const isWaiting =
      orderedHooks.includes(walk.hook) && selectWaiting.get(walk.seq, walk.hook, now) !== undefined
    if (isWaiting) {
      if (laterLease(walk.seq, walk.hook, now) !== null) {
        goOn.run(0, walk.seq, walk.hook, now + pauseMs, id)
        return { ...NOT_TAKEN, nextStepInMs: pauseMs }
      }
      release.run(now, walk.seq, walk.hook)
    }
    const scope = JSON.parse(row['scope'] as string) as ReplayScope
    const perSecond = row['per_second'] as number | null
    const most = stepRows(limit, perSecond)
    const { deliveries, next } = find(scope, walk, limit * LOOKED_AT_FOR_EACH, most)
    const statement = isMissing(scope) ? make : putBack
    let replayed = 0
    let waiting: { seq: number; hook: string } | null = null
    for (const { seq, hook } of deliveries) {
      const until = orderedHooks.includes(hook) ? laterLease(seq, hook, now) : null
      statement.run(until ?? now, seq, hook)
      replayed++
      if (until === null) continue
      waiting = { seq, hook }
      break
    }
    const spreadMs = perSecond === null ? 0 : Math.ceil((replayed * 1000) / perSecond)
    const nextStepInMs = Math.max(pauseMs, spreadMs)
    const { seq, hook } = waiting ?? next ?? walk
    goOn.run(replayed, seq, hook, now + nextStepInMs, id)
    const isLast = waiting === null && next === null
    if (isLast) finish.run(now, id)
    return {
      replayed,
      changesDue: replayed > 0 || isWaiting,
      isFirst: row['steps'] === 0,
      nextStepInMs: isLast ? null : nextStepInMs,
      isLast,
    }
  }
}

/** One delivery in a second is the slowest; a step then puts back one. */
function longestWaitMs(pauseMs: number): number {
  return Math.max(pauseMs, 1000)
}

function walkOf(row: Row): ReplayWalk {
  return {
    seq: row['at_seq'] as number,
    hook: row['at_hook'] as string,
    uptoSeq: row['upto_seq'] as number,
    seqs: row['seqs'] === null ? null : (JSON.parse(row['seqs'] as string) as number[]),
  }
}
