import type { Step } from '../connections.ts'

/*
 * Blocking and unblocking must not miss each other, or a delivery stays blocked for ever: a claim sees the delivery
 * before it undelivered, while the transaction that has just settled that one does not see it blocked yet. So a claim in
 * order locks the hook alone, and unblocking takes the same lock shared. Either the unblocking comes first, and the claim
 * sees what was settled; or it comes after the claim and sees what is blocked.
 */

/** Tells the locks of hooks from other locks in the database: "seam" in ASCII. */
export const LOCK_CLASS = 1_936_023_917

const KEYS = `from (select distinct hashtext(hook) as key from unnest($1::text[]) as h (hook) order by key) keys`

/** To claim in order from these hooks. */
export function lockForClaim(hooks: readonly string[]): Step {
  return [{ name: 'claim-lock', text: `select pg_advisory_xact_lock(${LOCK_CLASS}, key) ${KEYS}` }, [hooks]]
}

/** To unblock deliveries of these hooks. */
export function lockForUnblock(hooks: readonly string[]): Step {
  const text = `select pg_advisory_xact_lock_shared(${LOCK_CLASS}, key) ${KEYS}`
  return [{ name: 'unblock-lock', text }, [hooks]]
}
