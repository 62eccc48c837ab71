import type { Clock } from '../../time/clock.ts'

/**
 * The embedded store's time, in whole milliseconds since 1970: what the wall clock showed when the store was opened,
 * and from there on by the steady clock. A wall clock that is set while the relay runs makes nothing due early or late
 * and changes no age; the next start follows it.
 */
export function storeTime(clock: Clock): () => number {
  const startedAt = clock.wallMs() - clock.steadyMs()
  return () => Math.floor(startedAt + clock.steadyMs())
}
