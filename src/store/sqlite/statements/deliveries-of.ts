import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryHistory, PastAttempt } from '../../store.ts'

export function prepareDeliveriesOf(db: DatabaseSync) {
  const selectDeliveries = db.prepare(
    `select d.event_seq as eventSeq, d.hook, d.state, d.attempts, d.failures, d.replays
     from event_ids i join deliveries d on d.event_seq = i.seq where i.webhook_id = ? order by d.hook`,
  )
  const selectAttempts = db.prepare(
    `select attempt, started_at as startedAt, duration_ms as durationMs, status, error_code as errorCode, answer
     from attempts where event_seq = ? and hook = ? order by attempt`,
  )

  return (webhookId: string): DeliveryHistory[] =>
    selectDeliveries.all(webhookId).map((row) => {
      const delivery = row as unknown as Omit<DeliveryHistory, 'records'>
      const records = selectAttempts.all(delivery.eventSeq, delivery.hook) as unknown as PastAttempt[]
      return { ...delivery, records: records.map((record) => ({ ...record })) }
    })
}
