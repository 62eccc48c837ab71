import type { Look } from '../../bounded-page.ts'
import type { Row } from '../connections.ts'
import { msOf } from '../span-of-time.ts'

/**
 * Of the rows that a page's scan saw, each with its event's `seq`, its `hook` and whether it `fits`: those that fit, up to one
 * more than the page takes, and the last one. Names are compared by their bytes, however the database would.
 */
export function foundOf(seen: string, limit: string): string {
  return `, counted as (
    select s.*, row_number() over (order by seq desc, hook collate "C" desc) as n, count(*) over () as total from ${seen} s
  )
  select c.seq, c.hook, c.fits, c.total,
    (select round(${msOf('e.accepted_at')}) from seam_relay.events e where e.seq = c.seq and c.n = c.total limit 1)
      as accepted_at
  from counted c where c.fits or c.n = c.total order by c.n limit ${limit}::integer + 1`
}

export function lookOf(rows: readonly Row[], looked: number): Look {
  const positionOf = ({ seq, hook }: Row) => ({ at: seq as number, name: hook as string })
  const last = rows.at(-1)
  if (last === undefined) return { fitting: [], last: null, isThrough: true }
  return {
    fitting: rows.filter(({ fits }) => fits === true).map(positionOf),
    last: { position: positionOf(last), acceptedAt: last['accepted_at'] as number | null },
    isThrough: (last['total'] as number) < looked,
  }
}
