import type { DatabaseSync } from 'node:sqlite'
import { CONFLICT_PROBLEMS } from '../../conflict.ts'
import type { AcceptRequest, AcceptResult, EventSource } from '../../store.ts'
import { prepareQuarantine } from './quarantine.ts'

/** An acceptance on its way to the store's thread. */
export type AcceptRow = [
  dedupKey: string,
  webhookId: string,
  contentHash: string,
  messageId: string,
  eventId: string,
  eventType: string,
  workspaceId: string,
  credentialId: string | null,
  occurredAt: string,
  isSample: number,
  body: string,
  systemId: string | null,
  accountId: string | null,
  source: EventSource,
  hooks: string[],
  /** Of each hook's delivery, in milliseconds; 0 for none, `TOO_OLD` for one that is dead from the beginning. */
  leases: number[],
]

/** The number of a new event; the id of the quarantined body where the content is another than the known one's. */
type AcceptAnswer = number | 'duplicate' | { quarantineId: string }

const TOO_OLD = -1

export function acceptRow(request: AcceptRequest): AcceptRow {
  const { dedupKey, webhookId, messageId, source, event, deliveries } = request
  return [
    dedupKey,
    webhookId,
    event.contentHash,
    messageId,
    event.eventId,
    event.eventType,
    event.workspaceId,
    event.credentialId,
    event.occurredAt,
    event.isSample ? 1 : 0,
    event.body,
    event.systemId,
    event.accountId,
    source,
    deliveries.map(({ hook }) => hook),
    deliveries.map(({ leaseMs = 0, isTooOld = false }) => (isTooOld ? TOO_OLD : leaseMs)),
  ]
}

export function acceptResult(answer: AcceptAnswer): AcceptResult {
  if (typeof answer === 'number') return { outcome: 'accepted', eventSeq: answer }
  if (answer === 'duplicate') return { outcome: 'duplicate' }
  return { outcome: 'conflict', quarantineId: answer.quarantineId, problems: CONFLICT_PROBLEMS }
}

/** Event, deliveries, or a duplicate's count. Tries the insert first: nearly every event is new. */
export function prepareAccept(db: DatabaseSync) {
  const insertId = db.prepare(
    `insert into event_ids (webhook_id, content_hash, accepted_at, last_seen_at) values (?1, ?2, ?3, ?3)
     on conflict (webhook_id) do nothing`,
  )
  const insertEvent = db.prepare(
    `insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
       occurred_at, is_sample, accepted_at, body, system_id, account_id, source)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertDelivery = db.prepare(
    `insert into deliveries (event_seq, hook, state, due_at, lease_token, active_since, order_key)
     values (?1, ?2, iif(?5 > 0, 'leased', 'pending'), ?3 + ?5, ?5 > 0, ?3, ?4)`,
  )
  const insertTooOld = db.prepare(
    `insert into deliveries (event_seq, hook, state, active_since, settled_at, order_key, ended_code)
     values (?1, ?2, 'dead', ?3, ?3, ?4, 'too_old')`,
  )
  const findHash = db.prepare('select content_hash from event_ids where webhook_id = ?')
  const countDuplicate = db.prepare(
    'update event_ids set duplicates = duplicates + 1, last_seen_at = ? where webhook_id = ?',
  )
  const quarantine = prepareQuarantine(db)

  return (row: AcceptRow, now: number): AcceptAnswer => {
    const [
      dedupKey,
      webhookId,
      contentHash,
      messageId,
      eventId,
      type,
      workspaceId,
      credentialId,
      at,
      isSample,
      body,
      systemId,
      accountId,
      source,
      hooks,
      leases,
    ] = row
    const inserted = insertId.run(dedupKey, contentHash, now)
    if (inserted.changes === 1) {
      const seq = Number(inserted.lastInsertRowid)
      insertEvent.run(
        seq,
        webhookId,
        eventId,
        messageId,
        type,
        workspaceId,
        credentialId,
        at,
        isSample,
        now,
        body,
        systemId,
        accountId,
        source,
      )
      for (const [index, hook] of hooks.entries()) {
        const lease = leases[index] as number
        if (lease === TOO_OLD) insertTooOld.run(seq, hook, now, credentialId)
        else insertDelivery.run(seq, hook, now, credentialId, lease)
      }
      return seq
    }
    if (findHash.get(dedupKey)?.['content_hash'] === contentHash) {
      countDuplicate.run(now, dedupKey)
      return 'duplicate'
    }
    return quarantine({ messageId, bytes: Buffer.from(body), problems: CONFLICT_PROBLEMS }, now)
  }
}
