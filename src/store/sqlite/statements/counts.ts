import type { DatabaseSync } from 'node:sqlite'
import type { CountRow, CountsRequest } from '../../records.ts'

/** Reads the counts of a span of time, which are together, and sums them up in steps. */
export function prepareCounts(db: DatabaseSync) {
  const select = db.prepare(
    `select :since + cast((minute - :since) / :step as integer) * :step as at, kind, hook, code, sum(count) as count
     from counts where minute >= :since and minute < :until group by 1, 2, 3, 4 order by 1`,
  )

  return ({ since, until, stepMs }: CountsRequest): CountRow[] =>
    select.all({ since, until, step: stepMs }).map((row) => ({ ...row }) as unknown as CountRow)
}
