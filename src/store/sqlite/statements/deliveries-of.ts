import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryHistory, PastAttempt } from '../../reader.ts'
import { SHOWN_OF_ATTEMPT, SHOWN_OF_DELIVERY } from '../../tables.ts'

export function prepareDeliveriesOf(db: DatabaseSync) {
  const selectDeliveries = db.prepare(
    `select ${fieldsOf('d', SHOWN_OF_DELIVERY)}
     from event_ids i join deliveries d on d.event_seq = i.seq where i.webhook_id = ? order by d.hook`,
  )
  const selectAttempts = db.prepare(
    `select ${fieldsOf('a', SHOWN_OF_ATTEMPT)} from attempts a where event_seq = ? and hook = ? order by attempt`,
  )

  return (webhookId: string): DeliveryHistory[] =>
    selectDeliveries.all(webhookId).map((row) => {
      const delivery = row as unknown as Omit<DeliveryHistory, 'records'>
      const records = selectAttempts.all(delivery.eventSeq, delivery.hook) as unknown as PastAttempt[]
      return { ...delivery, records: records.map((record) => ({ ...record })) }
    })
}

/** The columns under the names of their fields. */
function fieldsOf(alias: string, columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([field, column]) => `${alias}.${column} as "${field}"`)
    .join(', ')
}
