/** Upper bounds in milliseconds, from what nobody notices to what keeps a guest at the door. */
const BOUNDS_MS = [100, 250, 500, 1000, 2500, 5000, 15_000, 60_000, 300_000, 3_600_000]

/** The smallest bound that the time does not exceed, as text; `inf` above all of them. */
export function latencyBucket(ms: number): string {
  const bound = BOUNDS_MS.find((one) => ms <= one)
  return bound === undefined ? 'inf' : String(bound)
}
