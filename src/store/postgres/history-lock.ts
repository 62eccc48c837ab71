import type { Step } from './connections.ts'

/**
 * Held to the end of a transaction that prunes or replays, so that what is being put back is not forgotten in the
 * same moment. "seamtidy" in ASCII.
 */
export const historyLock: Step = [
  { name: 'history-lock', text: 'select pg_advisory_xact_lock(8315159409741882489)' },
  [],
]
