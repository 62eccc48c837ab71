import type { Clock } from '../time/clock.ts'

/**
 * What is read when somebody asks, and never otherwise. Who asks while it is being read, or within `reuseMs` after, gets the same
 * reading. One that failed serves only those who were waiting for it.
 */
export function reused<T>(read: () => Promise<T>, reuseMs: number, clock: Clock): () => Promise<T> {
  let reading: Promise<T> | null = null
  let latest: { readAt: number; value: T } | null = null

  async function readAnew(): Promise<T> {
    const value = await read()
    latest = { readAt: clock.steadyMs(), value }
    return value
  }

  return async () => {
    if (latest !== null && clock.steadyMs() - latest.readAt < reuseMs) return latest.value
    reading ??= readAnew().finally(() => (reading = null))
    return reading
  }
}
