import type { Step } from './connections.ts'

/**
 * Lets one transaction at a time add to what is kept for people, until its end: so the numbers of activity and of actions
 * have no holes and are seen in their order, and replicas that add to the same counts never wait for each other in a
 * circle. "seamnote" in ASCII.
 */
export const notesLock: Step = [
  { name: 'notes-lock', text: 'select pg_advisory_xact_lock(8315159409641616485)' },
  [],
]
