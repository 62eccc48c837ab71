import type { Step } from '../connections.ts'

/*
 * Blocking and unblocking must not miss each other, or a delivery stays blocked for ever: a claim sees the delivery
 * before it undelivered, while the transaction that has just settled that one does not see it blocked yet. So a claim in
 * order locks the hook alone, and unblocking takes the same lock shared. Either the unblocking comes first, and the claim
 * sees what was settled; or it comes after the claim and sees what is blocked.
 *
 * A step of a replay takes it shared too: it puts back a delivery and has to know whether a later one of its credential is
 * leased, while a claim that leases that one has to know whether an earlier one is undelivered. Unblocking and replaying do
 * not wait for each other: what a step takes for leased that is just being settled, the next step sees.
 */

/** Tells the locks of hooks from other locks in the database: "seam" in ASCII. */
export const LOCK_CLASS = 1_936_023_917

const KEYS = `from (select distinct hashtext(hook) as key from unnest($1::text[]) as h (hook) order by key) keys`

/** To claim in order from these hooks. */
export function lockForClaim(hooks: readonly string[]): Step {
  return [{ name: 'claim-lock', text: `select pg_advisory_xact_lock(${LOCK_CLASS}, key) ${KEYS}` }, [hooks]]
}

const SHARED = `select pg_advisory_xact_lock_shared(${LOCK_CLASS}, key) ${KEYS}`

/** To unblock deliveries of these hooks. */
export function lockForUnblock(hooks: readonly string[]): Step {
  return [{ name: 'unblock-lock', text: SHARED }, [hooks]]
}

/** To put back deliveries of these hooks, or to make some. */
export function lockForReplay(hooks: readonly string[]): Step {
  return [{ name: 'replay-lock', text: SHARED }, [hooks]]
}
