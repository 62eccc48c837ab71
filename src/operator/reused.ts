import type { Clock } from '../time/clock.ts'

/**
 * What is read when somebody asks, and never otherwise. Who asks while it is being read, or within `reuseMs` after, gets the same
 * reading. Who asks later, but within `meanwhileMs`, gets it too, and a new one is begun: so who asks again and again never
 * waits. A reading that failed serves only those who were waiting for it.
 */
export function reused<T>(
  read: () => Promise<T>,
  reuseMs: number,
  clock: Clock,
  meanwhileMs = reuseMs,
): () => Promise<T> {
  let reading: Promise<T> | null = null
  let latest: { readAt: number; value: T } | null = null

  async function readAnew(): Promise<T> {
    const value = await read()
    latest = { readAt: clock.steadyMs(), value }
    return value
  }

  return async () => {
    const ageMs = latest === null ? Infinity : clock.steadyMs() - latest.readAt
    if (latest !== null && ageMs < reuseMs) return latest.value
    reading ??= readAnew().finally(() => (reading = null))
    if (latest === null || ageMs >= meanwhileMs) return reading
    // Nobody may be waiting for it. If it fails, so does the next, and somebody will be.
    void reading.catch(() => {})
    return latest.value
  }
}
