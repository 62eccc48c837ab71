import type { DismissRequest, DismissResult } from '../../replay-jobs.ts'
import { soughtCode } from '../../replay-scope.ts'
import type { Connections, Statement } from '../connections.ts'

/** Looks at the hook's next dead letters in the order of acceptance, and marks those that fit. */
const DISMISS: Statement = {
  name: 'dismiss',
  text: `
  with seen as materialized (
    select d.event_seq as seq, coalesce(d.ended_code, (
      select a.error_code from seam_relay.attempts a
      where a.event_seq = d.event_seq and a.hook = d.hook and a.error_code is not null
      order by a.attempt desc limit 1)) as code
    from seam_relay.deliveries d
    where d.hook = $1 and d.event_seq > $2::bigint and d.state = 'dead' and d.ended_code is distinct from 'discarded'
    order by d.event_seq limit $3::integer for update of d
  ), dismissed as (
    update seam_relay.deliveries d set ended_code = 'discarded'
    from seen s where d.hook = $1 and d.event_seq = s.seq and ($4::text is null or coalesce(s.code, '') = $4) returning 1
  )
  select (select count(*) from seen) as seen, (select count(*) from dismissed) as dismissed,
    (select seq from seen order by seq desc limit 1) as last`,
}

export async function dismiss(
  connections: Connections,
  { hook, code, limit, after }: DismissRequest,
): Promise<DismissResult> {
  const [row] = await connections.run(DISMISS, [hook, after ?? 0, limit, soughtCode(code)])
  const { seen, dismissed, last } = row as { seen: number; dismissed: number; last: number | null }
  return { dismissed, next: seen < limit ? null : last }
}
