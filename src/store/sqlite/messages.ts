import type { OperationName } from './operations.ts'

// What goes between the store and its thread. What comes often is flat, lists of texts and numbers: copying those
// from thread to thread takes a third of the time that objects of the same content take (measured).

/** What the store's thread is started with. */
export interface WorkerStart {
  path: string
  lockWaitMs: number
  largestBodyBytes: number
  /** When it is started, by the store's time. */
  now: number
}

/** Calls to be committed together. `now`: the store's time, in milliseconds since 1970; the thread reads no clock for it. */
export type GroupRequest = { now: number; names: OperationName[]; requests: unknown[] }

/**
 * From the thread: that the file needs so many steps of migration first, that it is open, why it cannot be, which file is gone (`null`: it is back), or what a group's calls
 * gave, in its order.
 */
export type WorkerMessage =
  | { kind: 'migrating'; steps: number }
  | { kind: 'open'; lastWrittenAt: number | null }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'file'; gone: string | null }
  | { kind: 'done'; results: unknown[]; refusals: Refusal[]; commitMs: number }

/** A call that was not stored, by its index in the group. */
export interface Refusal {
  index: number
  reason: string
}
