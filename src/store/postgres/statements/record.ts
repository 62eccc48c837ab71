import {
  ACTIVITY_DELETED_AT_ONCE,
  ACTIVITY_KEPT_ROWS,
  COUNTS_DELETED_AT_ONCE,
  COUNTS_KEPT_MS,
} from '../../records.ts'
import type { RecordRequest } from '../../records.ts'
import type { Connections, Statement, Step } from '../connections.ts'
import { notesLock } from '../notes-lock.ts'
import { NOW, laterBy } from '../span-of-time.ts'

const ADD_COUNTS: Statement = {
  name: 'add-counts',
  text: `
  insert into seam_relay.counts as c (minute, kind, hook, code, count)
  select date_trunc('minute', ${NOW}), kind, hook, code, sum(count)
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as n (kind, hook, code, count)
  group by kind, hook, code order by kind, hook, code
  on conflict (minute, kind, hook, code) do update set count = c.count + excluded.count`,
}
const DELETE_COUNTS: Statement = {
  name: 'delete-counts',
  text: `
  delete from seam_relay.counts where (minute, kind, hook, code) in (
    select minute, kind, hook, code from seam_relay.counts where minute < ${laterBy('-$1::float8')}
    order by minute limit $2)`,
}
/** From the number before, as an identity would also use the numbers of transactions that were rolled back. */
const ADD_ACTIVITY: Statement = {
  name: 'add-activity',
  text: `
  insert into seam_relay.activity (number, at, items, skipped)
  values (coalesce((select number from seam_relay.activity order by number desc limit 1), 0) + 1, ${NOW}, $1, $2)`,
}
const DELETE_ACTIVITY: Statement = {
  name: 'delete-activity',
  text: `
  delete from seam_relay.activity where number in (
    select number from seam_relay.activity
    where number <= (select number from seam_relay.activity order by number desc limit 1) - $1::bigint
    order by number limit $2)`,
}

/** Adds to the counts of this minute, and writes down what happened. Deletes a little of what is old. */
export async function record(
  connections: Connections,
  { counts, activity, skipped }: RecordRequest,
): Promise<void> {
  const columns = [
    counts.map(({ kind }) => kind),
    counts.map(({ hook }) => hook),
    counts.map(({ code }) => code),
    counts.map(({ count }) => count),
  ]
  const steps: Step[] = [
    notesLock,
    [ADD_COUNTS, columns],
    [DELETE_COUNTS, [COUNTS_KEPT_MS, COUNTS_DELETED_AT_ONCE]],
  ]
  if (activity.length > 0 || skipped > 0) {
    steps.push([ADD_ACTIVITY, [JSON.stringify(activity), skipped]])
    steps.push([DELETE_ACTIVITY, [ACTIVITY_KEPT_ROWS, ACTIVITY_DELETED_AT_ONCE]])
  }
  await connections.transaction(steps)
}
