import type { ReplayMissingRequest } from '../../store.ts'
import type { Connections, Statement } from '../connections.ts'
import { replayedBy } from './replay.ts'
import { IN_SPAN, SEQS_OF_IDS, spanParameters } from '../span-of-acceptance.ts'
import { NOW } from '../span-of-time.ts'

const REPLAY_MISSING: Statement = {
  name: 'replay-missing',
  text: `
  with made as (
    insert into seam_relay.deliveries (event_seq, hook, state, due_at, active_since, order_key, replays)
    select e.seq, $4, 'pending', ${NOW}, ${NOW}, e.credential_id, 1 from seam_relay.events e
    where ${IN_SPAN} and ($3::text[] is null or e.seq in (${SEQS_OF_IDS}))
      and ($5::text[] is null or e.workspace_id = any($5))
      and ($6::boolean or e.event_type = any($7::text[])
        or exists (select from unnest($8::text[]) as f (family) where starts_with(e.event_type, family)))
    on conflict do nothing returning 1
  )
  select count(*) as replayed from made`,
}

/** The event's patterns are told apart here, so that SQL only compares texts and their beginnings. */
export function replayMissing(
  connections: Connections,
  request: ReplayMissingRequest,
): Promise<{ replayed: number }> {
  const { hook, events, workspaces } = request
  const families = events.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1))
  const parameters = [...spanParameters(request), hook, workspaces, events.includes('*'), events, families]
  return replayedBy(connections, [[REPLAY_MISSING, parameters]])
}
