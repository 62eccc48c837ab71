/**
 * Events are found by credential block by block: so many numbers are a block, and the index of credentials begins with the
 * block. A new event then changes one of the few pages of the newest block. In an index that begins with the credential,
 * which is random, each changes a page of its own. The indices of both stores hold this number: another one is a new index.
 */
export const EVENTS_OF_BLOCK = 4096
