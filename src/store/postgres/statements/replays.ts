import type { EndReplayRequest, NewReplay, ReplayJob, ReplayScope } from '../../replay-jobs.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { historyLock } from '../history-lock.ts'
import { NOW, msOf } from '../span-of-time.ts'
import { beginWalk } from './replay-walk.ts'

// What is known of each replay.

const JOB = `id, scope, per_second, would_replay, state, replayed, round(${msOf('created_at')}) as created_at,
  round(${msOf('ended_at')}) as ended_at, error`

/** Under the history lock, so that two that are begun at once get different numbers. */
const CREATE: Statement = {
  name: 'create-replay',
  text: `
  insert into seam_relay.replays
    (number, id, scope, per_second, would_replay, state, at_seq, at_hook, upto_seq, seqs, created_at, next_step_at)
  values (coalesce((select number from seam_relay.replays order by number desc limit 1), 0) + 1,
    $1, $2, $3, $4, 'running', $5, $6, $7, $8, ${NOW}, ${NOW}) on conflict (id) do nothing`,
}
const RUNNING: Statement = {
  name: 'running-replay',
  text: `select ${JOB} from seam_relay.replays where state = 'running'
    order by seqs is null, number limit 1`,
}
const FIND: Statement = { name: 'find-replay', text: `select ${JOB} from seam_relay.replays where id = $1` }
const LIST: Statement = {
  name: 'list-replays',
  text: `select ${JOB} from seam_relay.replays order by number desc limit $1`,
}
const END: Statement = {
  name: 'end-replay',
  text: `update seam_relay.replays set state = $2, error = $3, ended_at = ${NOW} where id = $1 and state = 'running'`,
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export async function createReplay(connections: Connections, request: NewReplay): Promise<ReplayJob> {
  const { id, scope, perSecond, wouldReplay } = request
  const { seq, hook, uptoSeq, seqs } = await beginWalk(connections, scope)
  const seqsText = seqs === null ? null : JSON.stringify(seqs)
  const values = [id, JSON.stringify(scope), perSecond, wouldReplay, seq, hook, uptoSeq, seqsText]
  await connections.transaction([historyLock, [CREATE, values]])
  return (await findReplay(connections, id)) as ReplayJob
}

export async function runningReplay(connections: Connections): Promise<ReplayJob | null> {
  return jobOf((await connections.run(RUNNING))[0])
}

export async function endReplay(
  connections: Connections,
  { id, state, error }: EndReplayRequest,
): Promise<ReplayJob | null> {
  if (!UUID.test(id)) return null
  await connections.run(END, [id, state, error ?? null])
  return findReplay(connections, id)
}

export async function findReplay(connections: Connections, id: string): Promise<ReplayJob | null> {
  return UUID.test(id) ? jobOf((await connections.run(FIND, [id]))[0]) : null
}

export async function listReplays(connections: Connections, limit: number): Promise<ReplayJob[]> {
  return (await connections.run(LIST, [limit])).map((row) => jobOf(row) as ReplayJob)
}

function jobOf(row: Row | undefined): ReplayJob | null {
  if (row === undefined) return null
  return {
    id: row['id'] as string,
    scope: row['scope'] as ReplayScope,
    perSecond: row['per_second'] as number | null,
    wouldReplay: row['would_replay'] as number,
    state: row['state'] as ReplayJob['state'],
    replayed: row['replayed'] as number,
    createdAt: row['created_at'] as number,
    endedAt: row['ended_at'] as number | null,
    error: row['error'] as string | null,
  }
}
