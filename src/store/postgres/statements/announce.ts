import type { Statement } from '../connections.ts'
import { NOW } from '../span-of-time.ts'

/** A replica without a sign for so long is gone. */
const GONE_BEFORE = `(${NOW} - interval '15 s')`

/**
 * What follows the sign of this replica, $1: it declares others gone if it has itself been there for so long without a
 * gap. When the database comes back after an outage, nobody has; so all can give a sign again before anybody judges.
 */
function announceBy(name: string, sign: string): Statement {
  return {
    name,
    text: `
    with here as (
      ${sign} returning present_since
    ), declared as (
      update seam_relay.replicas o set gone_at = ${NOW}
      where o.id <> $1 and o.gone_at is null and o.last_sign_at < ${GONE_BEFORE}
        and exists (select from here where present_since < ${GONE_BEFORE})
      returning o.id
    )
    select exists (select from here) as is_here, (
        select count(*) from seam_relay.replicas
        where id <> $1 and gone_at is null and last_sign_at >= ${GONE_BEFORE}
      ) as others, array(
        select id::text from seam_relay.replicas where gone_at is not null and id <> $1
        union select id::text from declared
      ) as gone`,
  }
}

/** Parameters: a new id, the version. */
export const ENTER = announceBy(
  'replica-enter',
  `insert into seam_relay.replicas (id, version, present_since, last_sign_at) values ($1::uuid, $2, ${NOW}, ${NOW})`,
)

/** Not here any more, if another replica has declared this one gone. */
export const RENEW = announceBy(
  'replica-renew',
  `update seam_relay.replicas set last_sign_at = ${NOW},
        present_since = case when last_sign_at < ${GONE_BEFORE} then ${NOW} else present_since end
      where id = $1::uuid and gone_at is null`,
)

export const LEAVE: Statement = {
  name: 'replica-leave',
  text: 'delete from seam_relay.replicas where id = $1::uuid and gone_at is null',
}
