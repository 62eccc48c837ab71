import type { BodyProblem } from '../events/judge.ts'
import { judge } from '../events/judge.ts'
import type { Receive } from '../ingest/receive.ts'
import type { Quarantined } from '../store/listings.ts'
import type { Records } from '../store/records.ts'

export interface JudgeAgainOptions {
  receive: Receive
  store: Pick<Records, 'dropQuarantined'>
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
}

export interface Judged {
  status: 'accepted' | 'duplicate' | 'ignored' | 'quarantined'
  eventId: string | null
  problems: readonly BodyProblem[]
}

/**
 * Judges a quarantined body by the schemas and settings of today, for a person who has upgraded or has changed a setting. Only
 * what is on disk as an event by then, or is ignored on purpose, is taken out of quarantine. A misfit, and a second
 * content under a known `event_id`, stay.
 */
export async function judgeAgain(
  { id, body, messageId }: Quarantined,
  { receive, store, acceptEventTypes }: JudgeAgainOptions,
): Promise<Judged> {
  const bytes = Buffer.from(body)
  // Asked first, because receiving a misfit would count it as come again and announce it.
  const judgement = judge(bytes, acceptEventTypes)
  if (judgement.kind === 'misfit')
    return { status: 'quarantined', eventId: null, problems: judgement.problems }
  const receipt = await receive(bytes, messageId, 'webhook', id)
  switch (receipt.status) {
    case 'accepted':
    case 'duplicate':
      await store.dropQuarantined(id)
      return { status: receipt.status, eventId: receipt.event_id, problems: [] }
    case 'ignored':
      await store.dropQuarantined(id)
      return { status: 'ignored', eventId: null, problems: [] }
    case 'quarantined':
      return { status: 'quarantined', eventId: null, problems: receipt.problems }
  }
}
