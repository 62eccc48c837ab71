import type { Hook } from '../config/hook.ts'

/** A lease outlasts the attempt by this much, so that even a slow store can write the outcome in time. */
const LEASE_MARGIN_MS = 30_000
/** How long a leased delivery may wait before its attempt begins; the other half of the margin is for the outcome. */
export const MAX_WAITING_MS = LEASE_MARGIN_MS / 2

export function leaseMsOf(hook: Hook): number {
  return hook.timeoutMs + LEASE_MARGIN_MS
}
