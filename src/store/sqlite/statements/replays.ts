import type { DatabaseSync } from 'node:sqlite'
import type { EndReplayRequest, NewReplay, ReplayJob, ReplayScope } from '../../replay-jobs.ts'
import { prepareReplayWalk } from './replay-walk.ts'

type Row = Record<string, string | number | null>

/** What is known of each replay. */
export function prepareReplays(db: DatabaseSync) {
  const { begin } = prepareReplayWalk(db)
  const insert = db.prepare(
    `insert into replays
       (id, scope, per_second, would_replay, state, at_seq, at_hook, upto_seq, seqs, created_at, next_step_at)
     values (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
  )
  const selectOne = db.prepare('select * from replays where id = ?')
  const selectRunning = db.prepare(
    `select * from replays where state = 'running' order by seqs is null, number limit 1`,
  )
  const selectNewest = db.prepare('select * from replays order by number desc limit ?')
  const end = db.prepare(
    `update replays set state = ?, error = ?, ended_at = ? where id = ? and state = 'running'`,
  )

  return { create, running, endReplay, find, list }

  function create({ id, scope, perSecond, wouldReplay }: NewReplay, now: number): ReplayJob {
    const { seq, hook, uptoSeq, seqs } = begin(scope)
    const [scopeText, seqsText] = [JSON.stringify(scope), seqs === null ? null : JSON.stringify(seqs)]
    insert.run(id, scopeText, perSecond, wouldReplay, seq, hook, uptoSeq, seqsText, now, now)
    return find(id) as ReplayJob
  }

  function running(_request: null): ReplayJob | null {
    return jobOf(selectRunning.get() as Row | undefined)
  }

  function endReplay({ id, state, error }: EndReplayRequest, now: number): ReplayJob | null {
    end.run(state, error ?? null, now, id)
    return find(id)
  }

  function find(id: string): ReplayJob | null {
    return jobOf(selectOne.get(id) as Row | undefined)
  }

  function list(limit: number): ReplayJob[] {
    return selectNewest.all(limit).map((row) => jobOf(row as Row) as ReplayJob)
  }
}

function jobOf(row: Row | undefined): ReplayJob | null {
  if (row === undefined) return null
  return {
    id: row['id'] as string,
    scope: JSON.parse(row['scope'] as string) as ReplayScope,
    perSecond: row['per_second'] as number | null,
    wouldReplay: row['would_replay'] as number,
    state: row['state'] as ReplayJob['state'],
    replayed: row['replayed'] as number,
    createdAt: row['created_at'] as number,
    endedAt: row['ended_at'] as number | null,
    error: row['error'] as string | null,
  }
}
