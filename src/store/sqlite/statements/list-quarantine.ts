import type { DatabaseSync } from 'node:sqlite'
import type { BodyProblem } from '../../../events/judge.ts'
import { pageEnd } from '../../bounded-page.ts'
import type { QuarantineScan } from '../../bounded-page.ts'
import type { Page, QuarantineSummary, Quarantined } from '../../listings.ts'

type SummaryRow = Omit<QuarantineSummary, 'problems'> & { problems: string }

const SUMMARY = `id, message_id as "messageId", received_at as "receivedAt", last_seen_at as "lastSeenAt",
  times_seen as "timesSeen", problems`

/** Along the index of the times of receipt, newest first, without the bodies. */
export function prepareListQuarantine(db: DatabaseSync) {
  const select = db.prepare(
    `select ${SUMMARY} from quarantine indexed by quarantine_received
     where received_at <= :at and (received_at < :at or id < :id) order by received_at desc, id desc limit :limit`,
  )

  return ({ limit, before }: QuarantineScan): Page<QuarantineSummary> => {
    const rows = select.all({ at: before.at, id: before.name, limit: limit + 1 }) as unknown as SummaryRow[]
    const fitting = rows.map(({ receivedAt, id }) => ({ at: receivedAt, name: id }))
    const { shown, ...end } = pageEnd('quarantine', { fitting, last: null, isThrough: true }, limit)
    return { items: rows.slice(0, shown.length).map(summaryOf), ...end }
  }
}

export function prepareFindQuarantined(db: DatabaseSync) {
  const select = db.prepare(`select ${SUMMARY}, body from quarantine where id = ?`)

  return (id: string): Quarantined | null => {
    const row = select.get(id.toLowerCase()) as (SummaryRow & { body: Uint8Array }) | undefined
    return row === undefined ? null : { ...row, ...summaryOf(row) }
  }
}

function summaryOf(row: SummaryRow): QuarantineSummary {
  return { ...row, problems: JSON.parse(row.problems) as BodyProblem[] }
}
