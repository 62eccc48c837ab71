import type { ReplayFilter } from '../store.ts'
import type { Connections, Statement, Step } from './connections.ts'
import { historyLock } from './history-lock.ts'
import { IN_SPAN, SEQS_OF_IDS, spanParameters } from './span-of-acceptance.ts'
import { NOW } from './span-of-time.ts'

type ReplayedState = 'pending' | 'dead' | 'delivered'

/** Which hook: $4, or all. */
const OF_HOOK = '($4::text is null or d.hook = $4)'

/** Its state is asked for last, and again if someone else is just changing it: a leased one is left alone. */
function replayOf(name: string, which: string): Statement {
  return {
    name,
    text: `
    with replayed as (
      update seam_relay.deliveries d
      set state = 'pending', due_at = ${NOW}, active_since = ${NOW}, failures = 0, settled_at = null,
        replays = d.replays + 1
      from seam_relay.events e
      where e.seq = d.event_seq and ${IN_SPAN} and ${OF_HOOK} and ${which} returning 1
    )
    select count(*) as replayed from replayed`,
  }
}

/**
 * One statement for each state, because each finds its rows its own way: the dead and the pending through the
 * indices that hold only those, the delivered by when they were accepted. Named ids are found first.
 */
const BY_STATE: Record<ReplayedState, Statement> = {
  pending: replayOf('replay-pending', `d.settled_at is null and d.state = 'pending' and $3::text[] is null`),
  dead: replayOf('replay-dead', `d.state = 'dead' and $3::text[] is null`),
  delivered: replayOf('replay-delivered', `d.state = 'delivered' and $3::text[] is null`),
}
const BY_IDS = replayOf('replay-ids', `d.event_seq in (${SEQS_OF_IDS}) and d.state = any($5::text[])`)

export async function replay(connections: Connections, filter: ReplayFilter): Promise<{ replayed: number }> {
  const parameters = [...spanParameters(filter), filter.hook ?? null]
  if (filter.webhookIds !== undefined) {
    const states = filter.states ?? ['dead', 'delivered']
    return replayedBy(connections, [[BY_IDS, [...parameters, states]]])
  }
  // The pending first: what the other states put back is not to be put back once more.
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
