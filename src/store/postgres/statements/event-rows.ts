import type { DeliveryState, EventSummary, StoredEvent } from '../../listings.ts'
import type { DeliveryHistory, PastAttempt } from '../../reader.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'

/*
 * What lists and stories show of events that were found. Each lookup is a `lateral` with `offset 0`, which leaves the
 * planner one way: by the key, for each number that was asked for.
 */

type DeliveryRow = DeliveryState & Omit<DeliveryHistory, 'records'>

/** Without the body. */
const SUMMARY = `e.seq as "eventSeq", e.event_id as "eventId", e.webhook_id as "webhookId", e.message_id as "messageId",
  e.event_type as "eventType", e.workspace_id as "workspaceId", e.credential_id as "credentialId",
  e.system_id as "systemId", e.account_id as "accountId", e.occurred_at as "occurredAt",
  round(${msOf('e.accepted_at')}) as "acceptedAt", e.is_sample as "isSample", e.source,
  coalesce((select i.duplicates from seam_relay.event_ids i where i.seq = e.seq limit 1), 0) as duplicates`

/** The code of a delivery's last failure, or why it was ended, of `deliveries d`. */
export const CODE = `coalesce(d.ended_code, (
  select a.error_code from seam_relay.attempts a
  where a.event_seq = d.event_seq and a.hook = d.hook and a.error_code is not null order by a.attempt desc limit 1))`

/** What lists show of a delivery, of `deliveries d`. */
export const STATE = `d.hook, d.state, d.attempts, round(${msOf('d.settled_at')}) as "settledAt",
  case when d.state = 'pending' and d.due_at < 'infinity' then round(${msOf('d.due_at')}) end as "dueAt", ${CODE} as code`

const SUMMARIES: Statement = { name: 'event-summaries', text: eventsSql(SUMMARY) }
const STORED: Statement = { name: 'stored-events', text: eventsSql(`${SUMMARY}, e.body`) }
const STATES: Statement = { name: 'delivery-states', text: deliveriesSql(STATE) }
const DELIVERIES: Statement = {
  name: 'deliveries-of-events',
  text: deliveriesSql(`${STATE}, d.failures, round(${msOf('d.failing_since')}) as "failingSince", d.replays,
    d.ended_code as "endedCode"`),
}
const ATTEMPTS: Statement = {
  name: 'attempts-of-events',
  text: `
  select a.* from unnest($1::bigint[]) s (seq) cross join lateral (
    select a.event_seq as "eventSeq", a.hook, a.attempt, round(${msOf('a.started_at')}) as "startedAt",
      a.duration_ms as "durationMs", a.status, a.error_code as "errorCode", a.answer
    from seam_relay.attempts a where a.event_seq = s.seq offset 0
  ) a order by a."eventSeq", a.hook, a.attempt`,
}

function eventsSql(columns: string): string {
  return `
  select e.* from unnest($1::bigint[]) with ordinality s (seq, n) cross join lateral (
    select ${columns} from seam_relay.events e where e.seq = s.seq offset 0
  ) e order by s.n`
}

function deliveriesSql(columns: string): string {
  return `
  select d.* from unnest($1::bigint[]) s (seq) cross join lateral (
    select d.event_seq as "eventSeq", ${columns} from seam_relay.deliveries d where d.event_seq = s.seq offset 0
  ) d order by d."eventSeq", d.hook collate "C"`
}

/** In the order of the numbers. One that was deleted since its number was found is left out. */
export async function summariesOf(
  connections: Connections,
  seqs: readonly number[],
): Promise<EventSummary[]> {
  if (seqs.length === 0) return []
  const [events = [], states = []] = await connections.transaction([
    [SUMMARIES, [seqs]],
    [STATES, [seqs]],
  ])
  const ofEvent = bySeq(states)
  return events.map((row) => {
    const deliveries = (ofEvent.get(row['eventSeq']) ?? []) as unknown as DeliveryRow[]
    return {
      ...(row as unknown as EventSummary),
      deliveries: deliveries.map(stateOf),
    }
  })
}

/** In the order of the numbers, with bodies and attempts. One that was deleted since its number was found is left out. */
export async function storedEvents(
  connections: Connections,
  seqs: readonly number[],
): Promise<StoredEvent[]> {
  if (seqs.length === 0) return []
  const [events = [], deliveries = [], attempts = []] = await connections.transaction([
    [STORED, [seqs]],
    [DELIVERIES, [seqs]],
    [ATTEMPTS, [seqs]],
  ])
  const [deliveriesOf, attemptsOf] = [bySeq(deliveries), bySeq(attempts)]
  return events.map((row) => {
    const seq = row['eventSeq']
    const records = Map.groupBy(attemptsOf.get(seq) ?? [], ({ hook }) => hook)
    return {
      ...(row as unknown as Omit<StoredEvent, 'deliveries'>),
      deliveries: (deliveriesOf.get(seq) ?? []).map((delivery) => ({
        ...(delivery as unknown as DeliveryRow),
        records: (records.get(delivery['hook']) ?? []).map(attemptOf),
      })),
    }
  })
}

function bySeq(rows: readonly Row[]): Map<unknown, Row[]> {
  return Map.groupBy(rows, ({ eventSeq }) => eventSeq)
}

function stateOf({ hook, state, attempts, settledAt, dueAt, code }: DeliveryRow): DeliveryState {
  return { hook, state, attempts, settledAt, dueAt, code }
}

/** The driver gives bytes as a Buffer. */
function attemptOf(row: Row): PastAttempt {
  const { attempt, startedAt, durationMs, status, errorCode, answer } = row as unknown as PastAttempt
  return { attempt, startedAt, durationMs, status, errorCode, answer: answer && new Uint8Array(answer) }
}
