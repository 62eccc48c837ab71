import type { OperationName } from './operations.ts'

/** What the store's thread is started with. */
export interface WorkerStart {
  path: string
  lockWaitMs: number
}

/** One group of calls, to be committed together. */
export type GroupRequest = { name: OperationName; request: unknown }[]

/** From the thread: that it is open, why it cannot be, or the results of a group in its order. */
export type WorkerMessage =
  | { kind: 'open' }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'done'; results: OperationResult[]; commitMs: number }

export type OperationResult = { value: unknown } | { error: string }
