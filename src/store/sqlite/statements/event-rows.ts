import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState, EventSummary, StoredEvent } from '../../listings.ts'
import type { DeliveryHistory, PastAttempt } from '../../reader.ts'
import { BLOCKED_UNTIL } from './claim-ordered.ts'

// What lists and stories show of an event that was found.

type SummaryRow = Omit<EventSummary, 'deliveries' | 'isSample'> & { isSample: number }
type DeliveryRow = DeliveryState & Omit<DeliveryHistory, 'records'>

/** Without the body. */
const SUMMARY = `e.seq as "eventSeq", e.event_id as "eventId", e.webhook_id as "webhookId", e.message_id as "messageId",
  e.event_type as "eventType", e.workspace_id as "workspaceId", e.credential_id as "credentialId",
  e.system_id as "systemId", e.account_id as "accountId", e.occurred_at as "occurredAt", e.accepted_at as "acceptedAt",
  e.is_sample as "isSample", e.source, coalesce(i.duplicates, 0) as duplicates`

/** The code of a delivery's last failure, or why it was ended, of `deliveries d`. */
export const CODE = `coalesce(d.ended_code, (select a.error_code from attempts a
  where a.event_seq = d.event_seq and a.hook = d.hook and a.error_code is not null order by a.attempt desc limit 1))`

/** What lists show of a delivery, of `deliveries d`. */
export const STATE = `d.hook, d.state, d.attempts, d.settled_at as "settledAt",
  iif(d.state = 'pending' and d.due_at < ${BLOCKED_UNTIL}, d.due_at, null) as "dueAt", ${CODE} as code`

/** Functions of an event's number. `null`: it has been deleted since its number was found. */
export function prepareEventRows(db: DatabaseSync) {
  const selectSummary = db.prepare(
    `select ${SUMMARY} from events e left join event_ids i on i.seq = e.seq where e.seq = ?`,
  )
  const selectStored = db.prepare(
    `select ${SUMMARY}, e.body from events e left join event_ids i on i.seq = e.seq where e.seq = ?`,
  )
  const selectStates = db.prepare(`select ${STATE} from deliveries d where d.event_seq = ? order by d.hook`)
  const selectDeliveries = db.prepare(
    `select d.event_seq as "eventSeq", ${STATE}, d.failures, d.failing_since as "failingSince", d.replays,
       d.ended_code as "endedCode"
     from deliveries d where d.event_seq = ? order by d.hook`,
  )
  const selectAttempts = db.prepare(
    `select attempt, started_at as "startedAt", duration_ms as "durationMs", status, error_code as "errorCode", answer
     from attempts where event_seq = ? and hook = ? order by attempt`,
  )

  return { summary, stored }

  function summary(seq: number): EventSummary | null {
    const row = selectSummary.get(seq) as SummaryRow | undefined
    if (row === undefined) return null
    const deliveries = selectStates.all(seq) as unknown as DeliveryState[]
    return { ...row, isSample: row.isSample === 1, deliveries: deliveries.map((one) => ({ ...one })) }
  }

  function stored(seq: number): StoredEvent | null {
    const row = selectStored.get(seq) as (SummaryRow & { body: string }) | undefined
    if (row === undefined) return null
    const deliveries = (selectDeliveries.all(seq) as unknown as DeliveryRow[]).map((delivery) => {
      const records = selectAttempts.all(seq, delivery.hook) as unknown as PastAttempt[]
      return { ...delivery, records: records.map((record) => ({ ...record })) }
    })
    return { ...row, isSample: row.isSample === 1, deliveries }
  }
}
