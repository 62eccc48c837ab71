import { setTimeout as delay } from 'node:timers/promises'

/** Waits until `probe` gives something other than `undefined`, `null` or `false`, and gives that back. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== null && value !== false) return value
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}, in vain`)
    await delay(10)
  }
}

/** `until` for tests that run concurrently and so have to stand a busy machine. */
export function untilPatiently<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  return until(what, probe, timeoutMs)
}
