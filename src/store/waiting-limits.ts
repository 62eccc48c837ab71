// What a store lets wait, and how much of it goes into one transaction.

/** More than this many calls waiting is more than a store that works would leave. */
export const MAX_WAITING_CALLS = 10_000
/** And more than this many bytes of bodies. */
export const MAX_WAITING_BYTES = 33_554_432
/** One transaction takes at most this many, so that the first in a long queue is not held up by the last. */
export const MAX_GROUP_CALLS = 512
