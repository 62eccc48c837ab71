import { EVENTS_OF_BLOCK } from '../../event-blocks.ts'

/**
 * The blocks that have the events of `seq >= floor and seq < before`, newest first, as a table to join with. Some may be
 * empty.
 */
export function blocksSql(floor: string, before: string): string {
  return `(
    select n from generate_series(
      (select min(seq) from seam_relay.events where seq >= ${floor}) / ${EVENTS_OF_BLOCK},
      (select max(seq) from seam_relay.events where seq < ${before}) / ${EVENTS_OF_BLOCK}) n
    order by n desc
  )`
}

/**
 * Of an event of a credential in a block: a seek for each block. The numbers are there as well for as long as the index
 * is missing: each block is then found by number, instead of in all events.
 */
export function inBlock(block: string, credential: string): string {
  return `e.seq / ${EVENTS_OF_BLOCK} = ${block} and e.credential_id = ${credential}
    and e.seq >= ${block} * ${EVENTS_OF_BLOCK} and e.seq < (${block} + 1) * ${EVENTS_OF_BLOCK}`
}

/** All events, as bounds. */
export const EVERY_EVENT = ['0', '9223372036854775807'] as const
