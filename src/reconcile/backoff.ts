const FIRST_MS = 10_000
const LONGEST_MS = 900_000
/** Seam may ask for a longer pause than the relay takes by itself, but not for one that nobody would notice. */
const LONGEST_ASKED_MS = 3_600_000

/**
 * How long to leave a workspace alone after a failure, in milliseconds: longer each time, never longer than 15 minutes,
 * unless Seam asks for it.
 * @param failures one after the other, this one included
 * @param random from 0 to 1
 */
export function retryDelayMs(failures: number, retryAfterMs: number | null, random: number): number {
  const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  const jittered = grown * (0.75 + random / 4)
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, LONGEST_ASKED_MS))
}
