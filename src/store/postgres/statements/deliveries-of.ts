import type { DeliveryHistory, PastAttempt } from '../../reader.ts'
import { ATTEMPTS, DELIVERIES, SHOWN_OF_ATTEMPT, SHOWN_OF_DELIVERY } from '../../tables.ts'
import type { Table } from '../../tables.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'

/** One row for each attempt; a delivery without any has one row. */
const DELIVERIES_OF: Statement = {
  name: 'deliveries-of',
  text: `
  select ${fieldsOf('d', DELIVERIES, SHOWN_OF_DELIVERY)}, ${fieldsOf('a', ATTEMPTS, SHOWN_OF_ATTEMPT)}
  from seam_relay.event_ids i
  join seam_relay.deliveries d on d.event_seq = i.seq
  left join seam_relay.attempts a on a.event_seq = d.event_seq and a.hook = d.hook
  where i.webhook_id = $1 order by d.hook collate "C", a.attempt`,
}

export async function deliveriesOf(connections: Connections, webhookId: string): Promise<DeliveryHistory[]> {
  const histories = new Map<string, DeliveryHistory>()
  for (const row of await connections.run(DELIVERIES_OF, [webhookId])) {
    const delivery = read(row, 'd', SHOWN_OF_DELIVERY) as Omit<DeliveryHistory, 'records'>
    const history = histories.get(delivery.hook) ?? { ...delivery, records: [] }
    histories.set(delivery.hook, history)
    const attempt = read(row, 'a', SHOWN_OF_ATTEMPT) as PastAttempt | { attempt: null }
    if (attempt.attempt !== null) history.records.push(attempt)
  }
  return [...histories.values()]
}

/** The columns under the names of their fields, with the table before them: both tables may have a field of one name. */
function fieldsOf(alias: string, { columns }: Table, shown: Readonly<Record<string, string>>): string {
  return Object.entries(shown)
    .map(([field, column]) => {
      const value = `${alias}.${column}`
      return `${columns[column] === 'time' ? `round(${msOf(value)})` : value} as "${alias}.${field}"`
    })
    .join(', ')
}

function read(row: Row, alias: string, shown: Readonly<Record<string, string>>): unknown {
  return Object.fromEntries(Object.keys(shown).map((field) => [field, plain(row[`${alias}.${field}`])]))
}

/** The driver gives bytes as a Buffer. */
function plain(value: unknown): unknown {
  return value instanceof Buffer ? new Uint8Array(value) : value
}
