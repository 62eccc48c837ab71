import type { Step } from './connections.ts'

/**
 * Keeps pruning and replaying apart until the end of the transaction, so that an event is not deleted while its
 * deliveries are put back. "seamtidy" in ASCII.
 */
export const historyLock: Step = [
  { name: 'history-lock', text: 'select pg_advisory_xact_lock(8315159409741882489)' },
  [],
]
