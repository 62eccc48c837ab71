import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { fingerprintOf } from '../../fingerprint.ts'
import type { QuarantineRequest } from '../../store.ts'

/** Sets a body aside, once for each message that brings it. */
export function prepareQuarantine(db: DatabaseSync) {
  const insert = db.prepare(
    `insert into quarantine (id, fingerprint, message_id, received_at, last_seen_at, problems, body)
     values (?, ?, ?, ?, ?, ?, ?)
     on conflict (fingerprint) do update set times_seen = times_seen + 1, last_seen_at = excluded.last_seen_at
     returning id`,
  )

  return ({ messageId, bytes, problems }: QuarantineRequest, now: number): { quarantineId: string } => {
    const fingerprint = fingerprintOf({ messageId, bytes })
    const row = insert.get(randomUUID(), fingerprint, messageId, now, now, JSON.stringify(problems), bytes)
    return { quarantineId: row?.['id'] as string }
  }
}
