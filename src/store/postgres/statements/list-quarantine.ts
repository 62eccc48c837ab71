import { pageEnd } from '../../bounded-page.ts'
import type { QuarantineScan } from '../../bounded-page.ts'
import type { Page, QuarantineSummary, Quarantined } from '../../listings.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { msOf } from '../span-of-time.ts'

/** Its times are exact to a microsecond, and so are the positions in this list. */
const MICROSECONDS = '(extract(epoch from received_at) * 1000000)::bigint'
const SUMMARY = `id, message_id as "messageId", round(${msOf('received_at')}) as "receivedAt",
  round(${msOf('last_seen_at')}) as "lastSeenAt", times_seen as "timesSeen", problems`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Along the index of the times of receipt, newest first, without the bodies. */
const LIST: Statement = {
  name: 'list-quarantine',
  text: `
  select ${MICROSECONDS} as at, ${SUMMARY} from seam_relay.quarantine
  where received_at <= 'epoch'::timestamptz + $1::float8 * interval '1 microsecond'
    and (received_at < 'epoch'::timestamptz + $1 * interval '1 microsecond' or id < $2::uuid)
  order by received_at desc, id desc limit $3::integer`,
}
const FIND: Statement = {
  name: 'find-quarantined',
  text: `select ${SUMMARY}, body from seam_relay.quarantine where id = $1`,
}

export async function listQuarantine(
  connections: Connections,
  { limit, before }: QuarantineScan,
): Promise<Page<QuarantineSummary>> {
  const id = UUID.test(before.name) ? before.name : LAST_UUID
  const rows = await connections.run(LIST, [before.at, id, limit + 1])
  const fitting = rows.map((row) => ({ at: row['at'] as number, name: row['id'] as string }))
  const { shown, ...end } = pageEnd('quarantine', { fitting, last: null, isThrough: true }, limit)
  return { items: rows.slice(0, shown.length).map(summaryOf), ...end }
}

export async function findQuarantined(connections: Connections, id: string): Promise<Quarantined | null> {
  if (!UUID.test(id.toLowerCase())) return null
  const [row] = await connections.run(FIND, [id])
  return row === undefined ? null : { ...summaryOf(row), body: new Uint8Array(row['body'] as Buffer) }
}

function summaryOf(row: Row): QuarantineSummary {
  const { id, messageId, receivedAt, lastSeenAt, timesSeen, problems } = row as unknown as QuarantineSummary
  return { id, messageId, receivedAt, lastSeenAt, timesSeen, problems }
}
