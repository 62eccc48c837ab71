import type { DatabaseSync } from 'node:sqlite'
import type { ReplayMissingRequest } from '../../store.ts'
import { seqsOf, spanParameters } from '../span-of-acceptance.ts'

const INSERT = `insert into deliveries (event_seq, hook, state, due_at, active_since, order_key, replays)
  select e.seq, :hook, 'pending', :now, :now, e.credential_id, 1 from events e
  where e.accepted_at >= :since and e.accepted_at < :until
    and (:workspaces is null or e.workspace_id in (select value from json_each(:workspaces)))
    and (:all or e.event_type in (select value from json_each(:types))
      or exists (select 1 from json_each(:families) f where substr(e.event_type, 1, length(f.value)) = f.value))`

/** The event's patterns are told apart here, so that SQL only compares texts and their beginnings. */
export function prepareReplayMissing(db: DatabaseSync) {
  const inSpan = db.prepare(`${INSERT} on conflict do nothing`)
  const byIds = db.prepare(`${INSERT} and e.seq in (${seqsOf(':webhookIds')}) on conflict do nothing`)

  return (request: ReplayMissingRequest, now: number): { replayed: number } => {
    const { webhookIds, ...span } = spanParameters(request)
    const { hook, events, workspaces } = request
    const parameters = {
      ...span,
      now,
      hook,
      workspaces: workspaces === null ? null : JSON.stringify(workspaces),
      all: events.includes('*') ? 1 : 0,
      types: JSON.stringify(events),
      families: JSON.stringify(
        events.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1)),
      ),
    }
    const { changes } =
      webhookIds === null ? inSpan.run(parameters) : byIds.run({ ...parameters, webhookIds })
    return { replayed: Number(changes) }
  }
}
