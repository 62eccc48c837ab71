import type { ReplayFilter } from '../../store.ts'
import type { Connections, Statement, Step } from '../connections.ts'
import { historyLock } from '../history-lock.ts'
import { IN_SPAN, SEQS_OF_IDS, spanParameters } from '../span-of-acceptance.ts'
import { NOW } from '../span-of-time.ts'

type ReplayedState = 'pending' | 'dead' | 'delivered'

/** Which hook: $4, or all. */
const OF_HOOK = '($4::text is null or d.hook = $4)'

/**
 * In steps that leave the planner one way each, because a replay is rare and its statistics are anyone's guess: first
 * the candidates, then of these whose event fits the span, then the change. Their state is asked for again there: what
 * someone else has just claimed is left alone.
 */
function replayOf(name: string, candidates: string, isStill: string): Statement {
  return {
    name,
    text: `
    with candidates as materialized (
      ${candidates}
    ), chosen as materialized (
      select c.event_seq, c.hook from candidates c cross join lateral (
        select from seam_relay.events e where e.seq = c.event_seq and ${IN_SPAN} offset 0
      ) fits
    ), replayed as (
      update seam_relay.deliveries d
      set state = 'pending', due_at = ${NOW}, active_since = ${NOW}, failures = 0, settled_at = null,
        replays = d.replays + 1
      from chosen c where d.event_seq = c.event_seq and d.hook = c.hook and ${isStill} returning 1
    )
    select count(*) as replayed from replayed`,
  }
}

/** Through an index that holds only those. */
function ofState(which: string): string {
  return `select d.event_seq, d.hook from seam_relay.deliveries d
      where ${which} and ${OF_HOOK} and $3::text[] is null`
}

/** The deliveries of each of the events. */
function ofEvents(seqs: string, which: string): string {
  return `select d.event_seq, d.hook from (${seqs}) e cross join lateral (
        select d.event_seq, d.hook from seam_relay.deliveries d
        where d.event_seq = e.seq and ${which} and ${OF_HOOK} offset 0
      ) d`
}

const SEQS_OF_SPAN = `select e.seq from seam_relay.events e where ${IN_SPAN} and $3::text[] is null`

/** One statement for each state, because each finds its rows its own way. */
const BY_STATE: Record<ReplayedState, Statement> = {
  pending: replayOf(
    'replay-pending',
    ofState(`d.settled_at is null and d.state = 'pending'`),
    `d.state = 'pending'`,
  ),
  dead: replayOf('replay-dead', ofState(`d.state = 'dead'`), `d.state = 'dead'`),
  delivered: replayOf(
    'replay-delivered',
    ofEvents(SEQS_OF_SPAN, `d.state = 'delivered'`),
    `d.state = 'delivered'`,
  ),
}
const BY_IDS = replayOf(
  'replay-ids',
  ofEvents(SEQS_OF_IDS, 'd.state = any($5::text[])'),
  'd.state = any($5::text[])',
)

export async function replay(connections: Connections, filter: ReplayFilter): Promise<{ replayed: number }> {
  const parameters = [...spanParameters(filter), filter.hook ?? null]
  if (filter.webhookIds !== undefined) {
    const states = filter.states ?? ['dead', 'delivered']
    return replayedBy(connections, [[BY_IDS, [...parameters, states]]])
  }
  // Pending ones first, or those that the other states put back would be put back twice.
  const states = (['pending', 'dead', 'delivered'] as const).filter((state) =>
    (filter.states ?? ['dead']).includes(state),
  )
  return replayedBy(
    connections,
    states.map((state): Step => [BY_STATE[state], parameters]),
  )
}

/** Runs the steps while nothing is pruned, and adds up what each says that it replayed. */
export async function replayedBy(
  connections: Connections,
  steps: readonly Step[],
): Promise<{ replayed: number }> {
  const [, ...answers] = await connections.transaction([historyLock, ...steps])
  const counts = answers.map((rows) => rows[0]?.['replayed'] as number)
  return { replayed: counts.reduce((sum, count) => sum + count, 0) }
}
