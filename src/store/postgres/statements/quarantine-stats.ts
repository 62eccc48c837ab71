import type { QuarantineStats } from '../../reader.ts'
import type { Connections, Statement } from '../connections.ts'
import { msBetween } from '../span-of-time.ts'

/** Reads only the index of the times of receipt, and none of the bodies. */
const QUARANTINE_STATS: Statement = {
  name: 'quarantine-stats',
  text: `select count(*) as open, ${msBetween('min(received_at)')} as oldest_ms from seam_relay.quarantine`,
}

export async function quarantineStats(connections: Connections): Promise<QuarantineStats> {
  const [row] = await connections.run(QUARANTINE_STATS)
  const oldestMs = row?.['oldest_ms'] as number | null
  return {
    open: row?.['open'] as number,
    oldestAgeMs: oldestMs === null ? null : Math.max(0, Math.round(oldestMs)),
  }
}
