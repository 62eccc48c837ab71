import { MoveError } from './move-error.ts'
import type { Key, Source } from './source.ts'
import type { Target } from './target.ts'

/** The columns by which a row of the source is recognised: its key, and those that never change. */
const IDENTITIES = [
  { table: 'event_ids', columns: ['seq', 'webhook_id', 'content_hash'], what: 'an event' },
  { table: 'quarantine', columns: ['id', 'fingerprint'], what: 'a quarantined body' },
  { table: 'replays', columns: ['number', 'id'], what: 'a replay' },
] as const

/**
 * Checks that every row of the target can have come from the source.
 * @throws {MoveError} if not: the events of two stores have the same numbers, so they cannot be put together
 */
export async function judgeTarget(source: Source, target: Target): Promise<void> {
  for (const { table, columns, what } of IDENTITIES) {
    const find = source.finder(table, columns)
    for await (const row of target.rowsOf(table, columns)) {
      const known = find(row[0] as Key)
      if (known !== null && columns.every((_, index) => known[index] === row[index])) continue
      throw new MoveError(
        `the target has ${what} (${columns[0]} ${String(row[0])}) that the source has not: it can only take in what comes from one store. Nothing was changed`,
      )
    }
  }
}
