import type { QuarantineDetail, Replay } from '../operator/api/shapes/action.ts'
import type { CredentialStory, Delivery, EventDetail, EventSummary } from '../operator/api/shapes/event.ts'
import { counted, span } from './amount.ts'
import { aligned } from './layout.ts'
import { moment } from './moment.ts'
import type { Style, Terminal } from './terminal.ts'

interface Page {
  items: EventSummary[]
  cursor: string | null
}

type Paint = Pick<Terminal, 'paint'>

const STYLES: Record<Delivery['state'], Style> = {
  delivered: 'green',
  pending: 'yellow',
  leased: 'yellow',
  dead: 'red',
}

/** One event: what it says, how it came, and each hook's attempts. */
export function eventLines(event: EventDetail, terminal: Paint): string[] {
  const { deliveries, payload, masked } = event
  const rows = [
    ['type', event.is_sample ? `${event.event_type} (a sample)` : event.event_type],
    ['workspace', event.workspace_id],
    ['about', event.credential_id ?? 'nothing that has an id'],
    ['occurred', event.occurred_at],
    ['accepted', `${moment(event.accepted_at)} by ${event.source}, message ${event.message_id}`],
    ...(event.duplicates === 0 ? [] : [['sent again', counted(event.duplicates, 'time')]]),
  ]
  return [
    ...aligned(rows),
    '',
    ...(deliveries.length === 0
      ? ['no hook wanted it']
      : deliveries.flatMap((one) => deliveryLines(one, terminal))),
    '',
    masked.length === 0 ? 'payload' : `payload (masked: ${masked.join(', ')}; --reveal shows them)`,
    ...(JSON.stringify(payload, null, 2) ?? 'gone').split('\n').map((line) => `  ${line}`),
  ]
}

/** A credential's story, in the order in which it occurred. */
export function credentialLines(
  { events, known_to: known, is_complete: isComplete }: CredentialStory,
  terminal: Paint,
): string[] {
  return [
    ...aligned(
      known.map(({ hook, event_type: type, known_since: since, after_seam_ms: afterMs, missing }) => [
        hook,
        since === null ? 'has got none of its events' : `knows ${type} since ${moment(since)}`,
        afterMs === null ? '' : `${span(afterMs)} after it occurred`,
        missing === 0 ? '' : terminal.paint('red', `has not got ${counted(missing, 'event')}`),
      ]),
    ),
    '',
    ...(isComplete ? [] : ['(there are older events than these)']),
    ...events.flatMap((event) => [
      `${event.occurred_at}  ${event.event_type}  ${event.event_id}`,
      ...event.deliveries.map((one) => `    ${deliveryText(one, terminal)}`),
    ]),
  ]
}

/** A list of events, newest first. */
export function eventsLines({ items, cursor }: Page): string[] {
  const rows = items.map((event) => [
    moment(event.accepted_at),
    event.event_type,
    event.event_id,
    event.deliveries.map(({ hook, state }) => `${hook} ${state}`).join(', '),
  ])
  return [...aligned(rows), ...(cursor === null ? [] : ['(there are older ones)'])]
}

/** What was set aside, why, and its body as it came. */
export function quarantineLines(quarantined: QuarantineDetail): string[] {
  const { problems, body, masked } = quarantined
  return [
    ...aligned([
      ['came', `${moment(quarantined.received_at)}, message ${quarantined.message_id}`],
      [
        'came last',
        `${moment(quarantined.last_seen_at)} (${counted(quarantined.times_seen, 'time')} in all)`,
      ],
    ]),
    '',
    'problems',
    ...aligned(problems.map(({ path, message }) => [`  ${path || 'the body'}`, message])),
    '',
    masked.length === 0 ? 'body' : `body (masked: ${masked.join(', ')}; --reveal shows them)`,
    `  ${body}`,
  ]
}

/** A replay and how far it is. */
export function replayLines({ state, replayed, would_replay: total, ...replay }: Replay): string[] {
  const { created_at: begun, ended_at: ended, scope, error, per_second: perSecond } = replay
  return aligned([
    ['state', error === null ? state : `${state}: ${error}`],
    ['done', `${replayed} of ${total}${perSecond === null ? '' : `, at most ${perSecond} a second`}`],
    ['asked for', JSON.stringify(scope)],
    ['begun', moment(begun)],
    ['ended', ended === null ? 'not yet' : moment(ended)],
  ])
}

function deliveryLines(delivery: Delivery, terminal: Paint): string[] {
  const attempts = delivery.records.map(
    ({ attempt, started_at: startedAt, duration_ms: durationMs, status, code, answer }) => [
      `    attempt ${attempt}`,
      moment(startedAt),
      `${durationMs} ms`,
      [status, code].filter((one) => one !== null).join(' '),
      answer === null ? '' : firstLine(answer),
    ],
  )
  return [`  ${deliveryText(delivery, terminal)}`, ...aligned(attempts)]
}

function deliveryText({ hook, state, code, replays, ...delivery }: Delivery, { paint }: Paint): string {
  const { settled_at: settledAt, due_at: dueAt, attempts, delivered_after_ms: afterMs } = delivery
  const times = attempts === 0 ? '' : `, ${counted(attempts, 'attempt')}`
  const again = replays === 0 ? '' : `, replayed ${counted(replays, 'time')}`
  const since = settledAt === null ? '' : ` since ${moment(settledAt)}`
  const after = afterMs === null ? '' : `, ${span(afterMs)} after acceptance`
  const why = code === null || state === 'delivered' ? '' : `, last failure ${code}`
  const due = state === 'pending' && dueAt !== null ? `, due ${moment(dueAt)}` : ''
  return `${hook}  ${paint(STYLES[state], state)}${since}${after}${times}${why}${due}${again}`
}

/** Of what a hook answered. */
function firstLine(answer: string): string {
  const [line = ''] = answer.split('\\u000a')
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
