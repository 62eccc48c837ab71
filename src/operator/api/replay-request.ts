import type { AcceptedSpan, ReplayFilter, ReplayJob } from '../../store/replay-jobs.ts'
import { RequestRefused } from '../request-refused.ts'
import type { Replay, ReplayRequest } from './shapes/action.ts'
import { spanOf, timeOrNull, timeText } from './times.ts'

/** What a person asked to be sent again. */
export type AskedReplay =
  { kind: 'deliveries'; filter: ReplayFilter } | { kind: 'missing'; hook: string; span: AcceptedSpan }

/** @throws {RequestRefused} where the fields contradict each other */
export function askedReplay(request: ReplayRequest): AskedReplay {
  const { hook, states, code, event_ids: ids } = request
  const span: AcceptedSpan = {
    ...spanOf(request),
    ...(ids === undefined ? {} : { webhookIds: ids.map(asStored) }),
  }
  if (request.missing !== true) {
    const filter = {
      ...span,
      ...(hook === undefined ? {} : { hook }),
      ...(states === undefined ? {} : { states }),
      ...(code === undefined ? {} : { code }),
    }
    return { kind: 'deliveries', filter }
  }
  if (hook === undefined) throw contradiction('"missing" needs the "hook" that lacks them.')
  // What is missing has no delivery yet, so it has neither.
  if (states !== undefined) throw contradiction('"missing" and "states" do not go together.')
  if (code !== undefined) throw contradiction('"missing" and "code" do not go together.')
  return { kind: 'missing', hook, span }
}

/** A replay as the API tells it: what was asked for in the words of the request. */
export function replayView(job: ReplayJob): Replay {
  const { since, until, webhookIds, ...rest } = job.scope
  return {
    id: job.id,
    state: job.state,
    would_replay: job.wouldReplay,
    replayed: job.replayed,
    per_second: job.perSecond,
    scope: {
      hook: rest.hook,
      ...('missing' in rest ? { missing: true } : { states: rest.states, code: rest.code }),
      since: since === undefined ? undefined : timeText(since),
      until: until === undefined ? undefined : timeText(until),
      event_ids: webhookIds,
    },
    created_at: timeText(job.createdAt),
    ended_at: timeOrNull(job.endedAt),
    error: job.error,
  }
}

/** Ids of events are kept in lower case; those of samples are the sender's, as they came. */
function asStored(id: string): string {
  return /^[0-9a-f-]{36}$/i.test(id) ? id.toLowerCase() : id
}

function contradiction(detail: string): RequestRefused {
  return new RequestRefused('request_invalid', `${detail} Nothing was done.`)
}
