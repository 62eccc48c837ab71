import type { DatabaseSync } from 'node:sqlite'
import type { ReplayFilter } from '../../store.ts'
import { seqsOf, spanParameters } from '../span-of-acceptance.ts'

const PUT_BACK = `set state = 'pending', due_at = :now, active_since = :now, failures = 0, settled_at = null,
  replays = replays + 1`
const OF_HOOK = '(:hook is null or hook = :hook)'
const IN_SPAN = `exists (select 1 from events e
  where e.seq = event_seq and e.accepted_at >= :since and e.accepted_at < :until)`

/**
 * One statement for each state, because each finds its rows its own way: the dead and the pending through the
 * indexes that hold only those, the delivered by when they were accepted. Named ids are found first.
 */
export function prepareReplay(db: DatabaseSync) {
  const byState = {
    dead: db.prepare(
      `update deliveries indexed by deliveries_dead ${PUT_BACK} where state = 'dead' and ${OF_HOOK} and ${IN_SPAN}`,
    ),
    pending: db.prepare(
      `update deliveries indexed by deliveries_order ${PUT_BACK}
       where settled_at is null and state = 'pending' and ${OF_HOOK} and ${IN_SPAN}`,
    ),
    delivered: db.prepare(
      `update deliveries ${PUT_BACK}
       where event_seq in (select seq from events where accepted_at >= :since and accepted_at < :until)
         and state = 'delivered' and ${OF_HOOK}`,
    ),
  }
  const byIds = db.prepare(
    `update deliveries ${PUT_BACK}
     where event_seq in (${seqsOf(':webhookIds')}) and state = :state and ${OF_HOOK} and ${IN_SPAN}`,
  )

  return (filter: ReplayFilter, now: number): { replayed: number } => {
    const { webhookIds, ...span } = spanParameters(filter)
    const parameters = { ...span, now, hook: filter.hook ?? null }
    const states = filter.states ?? (webhookIds === null ? ['dead'] : ['dead', 'delivered'])
    let replayed = 0
    // Pending ones first, or those that the other states put back would be put back twice.
    for (const state of ['pending', 'dead', 'delivered'] as const) {
      if (!states.includes(state)) continue
      const { changes } =
        webhookIds === null ? byState[state].run(parameters) : byIds.run({ ...parameters, webhookIds, state })
      replayed += Number(changes)
    }
    return { replayed }
  }
}
