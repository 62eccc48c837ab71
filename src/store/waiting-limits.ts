// How many calls may wait for a store, and how many go into one transaction.

/** A store that works never has so many calls waiting. */
export const MAX_WAITING_CALLS = 10_000
/** Nor so many bytes of bodies. */
export const MAX_WAITING_BYTES = 33_554_432
/** One transaction takes at most so many calls, so that the first of a long queue does not wait for the last. */
export const MAX_GROUP_CALLS = 512
