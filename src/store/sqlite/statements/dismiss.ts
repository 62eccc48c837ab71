import type { DatabaseSync } from 'node:sqlite'
import type { DismissRequest, DismissResult } from '../../replay-jobs.ts'

/** Looks at the hook's next dead letters in the order of acceptance, and marks those that fit. */
export function prepareDismiss(db: DatabaseSync) {
  const select = db.prepare(
    `select d.event_seq as seq, coalesce(d.ended_code, (
       select error_code from attempts a where a.event_seq = d.event_seq and a.hook = d.hook and a.error_code is not null
       order by a.attempt desc limit 1)) as code
     from deliveries d indexed by deliveries_given_up
     where d.hook = :hook and d.event_seq > :after and d.state = 'dead' and d.ended_code is not 'discarded'
     order by d.event_seq limit :limit`,
  )
  const mark = db.prepare(
    `update deliveries set ended_code = 'discarded' where event_seq = :seq and hook = :hook and state = 'dead'`,
  )

  return ({ hook, code, limit, after }: DismissRequest): DismissResult => {
    const seen = select.all({ hook, after: after ?? 0, limit }) as { seq: number; code: string | null }[]
    const fitting = seen.filter((one) => code === undefined || one.code === code)
    for (const { seq } of fitting) mark.run({ seq, hook })
    return { dismissed: fitting.length, next: seen.length < limit ? null : (seen.at(-1)?.seq ?? null) }
  }
}
