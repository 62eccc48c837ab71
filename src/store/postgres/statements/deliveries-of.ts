import type { DeliveryHistory, PastAttempt } from '../../store.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { msBetween } from '../span-of-time.ts'

/** One row for each attempt; a delivery without any has one row. */
const DELIVERIES_OF: Statement = {
  name: 'deliveries-of',
  text: `
  select d.event_seq, d.hook, d.state, d.attempts, d.failures, d.replays,
    a.attempt, ${msBetween(`'epoch'::timestamptz`, 'a.started_at')} as started_at, a.duration_ms, a.status,
    a.error_code, a.answer
  from seam_relay.event_ids i
  join seam_relay.deliveries d on d.event_seq = i.seq
  left join seam_relay.attempts a on a.event_seq = d.event_seq and a.hook = d.hook
  where i.webhook_id = $1 order by d.hook collate "C", a.attempt`,
}

export async function deliveriesOf(connections: Connections, webhookId: string): Promise<DeliveryHistory[]> {
  const histories = new Map<string, DeliveryHistory>()
  for (const row of await connections.run(DELIVERIES_OF, [webhookId])) {
    const hook = row['hook'] as string
    const history = histories.get(hook) ?? historyOf(row)
    histories.set(hook, history)
    if (row['attempt'] !== null) history.records.push(attemptOf(row))
  }
  return [...histories.values()]
}

function historyOf(row: Row): DeliveryHistory {
  return {
    eventSeq: row['event_seq'] as number,
    hook: row['hook'] as string,
    state: row['state'] as DeliveryHistory['state'],
    attempts: row['attempts'] as number,
    failures: row['failures'] as number,
    replays: row['replays'] as number,
    records: [],
  }
}

function attemptOf(row: Row): PastAttempt {
  const answer = row['answer'] as Buffer | null
  return {
    attempt: row['attempt'] as number,
    startedAt: Math.round(row['started_at'] as number),
    durationMs: row['duration_ms'] as number,
    status: row['status'] as number | null,
    errorCode: row['error_code'] as string | null,
    answer: answer === null ? null : new Uint8Array(answer),
  }
}
