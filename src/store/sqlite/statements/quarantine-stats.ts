import type { DatabaseSync } from 'node:sqlite'
import type { QuarantineStats } from '../../reader.ts'

/** Reads only the index of the times of receipt, and none of the bodies. */
export function prepareQuarantineStats(db: DatabaseSync) {
  const select = db.prepare(
    'select count(*) as open, min(received_at) as oldest from quarantine indexed by quarantine_received',
  )

  return (_request: null, now: number): QuarantineStats => {
    const { open, oldest } = select.get() as { open: number; oldest: number | null }
    return { open, oldestAgeMs: oldest === null ? null : Math.max(0, now - oldest) }
  }
}
