import type { DatabaseSync } from 'node:sqlite'
import type { AcceptRequest, AcceptResult } from '../store.ts'
import { prepareQuarantine } from './quarantine.ts'

/** Event, deliveries, or a duplicate's count. Tries the insert first: nearly every event is new. */
export function prepareAccept(db: DatabaseSync) {
  const insertId = db.prepare(
    `insert into event_ids (webhook_id, content_hash, accepted_at, last_seen_at) values (?, ?, ?, ?)
     on conflict (webhook_id) do nothing`,
  )
  const insertEvent = db.prepare(
    `insert into events (seq, webhook_id, event_id, message_id, event_type, workspace_id, credential_id,
       occurred_at, is_sample, accepted_at, body)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertDelivery = db.prepare(
    `insert into deliveries (event_seq, hook, state, due_at, active_since) values (?, ?, 'pending', ?, ?)`,
  )
  const findHash = db.prepare('select content_hash from event_ids where webhook_id = ?')
  const countDuplicate = db.prepare(
    'update event_ids set duplicates = duplicates + 1, last_seen_at = ? where webhook_id = ?',
  )
  const quarantine = prepareQuarantine(db)

  return ({ webhookId, messageId, event, deliveries }: AcceptRequest, now: number): AcceptResult => {
    const inserted = insertId.run(webhookId, event.contentHash, now, now)
    if (inserted.changes === 1) {
      const seq = inserted.lastInsertRowid
      insertEvent.run(
        seq,
        webhookId,
        event.eventId,
        messageId,
        event.eventType,
        event.workspaceId,
        event.credentialId,
        event.occurredAt,
        event.isSample ? 1 : 0,
        now,
        event.body,
      )
      for (const { hook } of deliveries) insertDelivery.run(seq, hook, now, now)
      return { outcome: 'accepted' }
    }
    if (findHash.get(webhookId)?.['content_hash'] === event.contentHash) {
      countDuplicate.run(now, webhookId)
      return { outcome: 'duplicate' }
    }
    const problems = [{ path: '/event_id', message: 'is known already, with other content' }]
    const { quarantineId } = quarantine({ messageId, bytes: Buffer.from(event.body), problems }, now)
    return { outcome: 'conflict', quarantineId, problems }
  }
}
