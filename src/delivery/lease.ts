import type { Hook } from '../config/hook.ts'
import type { ClaimWant } from '../store/store.ts'

/** A lease outlasts the attempt by this, for its outcome to be written even by a store that is slow. */
export const LEASE_MARGIN_MS = 30_000
/** What has been leased may wait for a place for half of that. */
export const MAX_HELD_MS = LEASE_MARGIN_MS / 2

/** Of bodies that one claim reads for a hook. */
const MAX_CLAIM_BYTES = 8_388_608

export function leaseMsOf(hook: Hook): number {
  return hook.timeoutMs + LEASE_MARGIN_MS
}

export function wantOf(hook: Hook, limit: number): ClaimWant {
  return {
    hook: hook.name,
    limit,
    maxBytes: MAX_CLAIM_BYTES,
    leaseMs: leaseMsOf(hook),
    ordered: hook.ordering === 'credential',
  }
}
