import type { ReplayRequest } from '../operator/api/shapes/action.ts'
import { counted } from './amount.ts'
import { usedWrongly } from './command-error.ts'
import { timeArgument } from './time-argument.ts'

/** Which deliveries, as the options of `relay replay` say it. */
export interface ReplayFilters {
  hook?: string
  state?: string[]
  code?: string
  since?: string
  until?: string
  eventId?: string[]
  missing?: true
  perSecond?: number
}

/**
 * The request as the options have it. What the options do not say is not in it.
 * @param now milliseconds since 1970
 * @throws {CommandError} if the options make no sense
 */
export function requestOf(filters: ReplayFilters, now: number): ReplayRequest {
  const { hook, state, code, since, until, eventId, missing, perSecond } = filters
  if (missing === true && hook === undefined)
    throw usedWrongly('--missing needs --hook: whose events are missing?')
  if (missing === true && (state ?? code ?? eventId) !== undefined) {
    throw usedWrongly('--missing makes new deliveries, which have no --state, --code or --event-id yet')
  }
  return {
    ...(hook === undefined ? {} : { hook }),
    ...(state === undefined ? {} : { states: state.map(stateOf) }),
    ...(code === undefined ? {} : { code }),
    ...(since === undefined ? {} : { since: timeArgument('--since', since, now) }),
    ...(until === undefined ? {} : { until: timeArgument('--until', until, now) }),
    ...(eventId === undefined ? {} : { event_ids: eventId }),
    ...(missing === undefined ? {} : { missing }),
    ...(perSecond === undefined ? {} : { per_second: perSecond }),
  }
}

type State = NonNullable<ReplayRequest['states']>[number]

function stateOf(text: string): State {
  const state = (['dead', 'delivered', 'pending'] as const).find((one) => one === text)
  if (state === undefined)
    throw usedWrongly(
      `--state takes dead, delivered or pending, and got ${JSON.stringify(text.slice(0, 40))}`,
    )
  return state
}

/** The request in words, so that a person sees what was understood. */
export function sentenceOf(request: ReplayRequest, count: number): string {
  const {
    hook,
    states = ['dead'],
    code,
    since,
    until,
    event_ids: ids,
    missing,
    per_second: perSecond,
  } = request
  const kind = missing === true ? 'missing' : states.join(' or ')
  const parts = [
    `${counted(count, `${kind} delivery`, `${kind} deliveries`)}`,
    hook === undefined ? 'to any hook' : `to ${hook}`,
    ...(code === undefined ? [] : [`whose last failure was ${code}`]),
    ...(ids === undefined ? [] : [`of ${counted(ids.length, 'event')}`]),
    ...(since === undefined ? [] : [`accepted since ${since}`]),
    ...(until === undefined ? [] : [`accepted until ${until}`]),
  ]
  const pace = perSecond === undefined ? '' : `, at most ${perSecond} a second`
  return `${parts.join(', ')}${pace}.`
}
