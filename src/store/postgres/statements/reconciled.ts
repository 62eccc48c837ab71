import { FINDINGS_KEPT_MS, rowIdOfKey } from '../../reconciliations.ts'
import type { ReconciledWindow, ReconciledWorkspace } from '../../reconciliations.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { NOW, momentOf, msBetween, msOf } from '../span-of-time.ts'

/** What is asked of a workspace everywhere. */
export const WORKSPACE = `workspace_id, key_print, round(${msOf('confirmed_until')}) as confirmed_until,
  round(${msBetween('passed_at')}) as passed_ago_ms, round(${msOf('failing_since')}) as failing_since, failure_code`

const LIST: Statement = {
  name: 'reconciled-workspaces',
  text: `select ${WORKSPACE} from seam_relay.reconciliations order by workspace_id`,
}

/**
 * Locks the row of the lease: a take-over that comes at the same moment waits until this is written, or this sees it and
 * writes nothing. Null is a person's word, which needs no lease.
 */
const FENCE = `fence as materialized (select 1 from seam_relay.reconciler where token = $1::bigint for share)`

/** Parameters: the token, the workspace, the print of the key, the row of the key alone. */
const RENAME: Statement = {
  name: 'rename-reconciled',
  text: `
  with ${FENCE}
  update seam_relay.reconciliations set workspace_id = $2
  where workspace_id = $4 and $2 <> $4 and exists (select from fence)
    and not exists (select from seam_relay.reconciliations where workspace_id = $2) and $3::text is not null`,
}
const ENTER: Statement = {
  name: 'enter-reconciled',
  text: `
  with ${FENCE}, removed as (
    delete from seam_relay.reconciliations where workspace_id = $4 and $2 <> $4 and exists (select from fence)
  )
  insert into seam_relay.reconciliations (workspace_id, key_print) select $2, $3 from fence
  on conflict (workspace_id) do update set key_print = excluded.key_print
  returning true as is_entered`,
}

/** A window, and its findings, in one statement. */
const RECORD: Statement = {
  name: 'record-reconciled',
  text: `
  with ${FENCE}, allowed as materialized (
    select 1 where $1::bigint is null or exists (select from fence)
  ), updated as (
    update seam_relay.reconciliations set
      checked = checked + $3::bigint, missed = missed + $4::bigint, recovered = recovered + $5::bigint,
      oldest_answer_at = least(oldest_answer_at, ${momentOf('$6::float8')}),
      newest_answer_at = greatest(newest_answer_at, ${momentOf('$7::float8')}),
      confirmed_until = greatest(confirmed_until, ${momentOf('$8::float8')}),
      passed_at = case when $9 then ${NOW} else passed_at end,
      failing_since = case when $9 then null when $10::text is null then failing_since
        else coalesce(failing_since, ${NOW}) end,
      failure_code = case when $9 then null else coalesce($10, failure_code) end
    where workspace_id = $2 and exists (select from allowed)
  ), kept as (
    insert into seam_relay.reconciliation_findings
      (id, workspace_id, kind, since, until, missed, recovered, event_ids, found_at)
    select id, $2, kind, ${momentOf('since')}, ${momentOf('until')}, missed, recovered, event_ids, ${NOW}
    from unnest($11::text[], $12::text[], $13::float8[], $14::float8[], $15::bigint[], $16::bigint[], $17::json[])
      as f (id, kind, since, until, missed, recovered, event_ids)
    where exists (select from allowed)
    on conflict (id) do update set since = excluded.since, until = excluded.until, missed = excluded.missed,
      recovered = excluded.recovered, event_ids = excluded.event_ids
  )
  select 1 from allowed`,
}
const CLOSE_GAPS: Statement = {
  name: 'close-gaps',
  text: `
  delete from seam_relay.reconciliation_findings where workspace_id = $1 and kind = 'gap'
    and since >= ${momentOf('$2::float8')} and until <= ${momentOf('$3::float8')}`,
}

const FORGET: Statement = {
  name: 'forget-findings',
  text: `delete from seam_relay.reconciliation_findings where found_at < ${NOW} - $1 * interval '1 ms'`,
}

export async function reconciledWorkspaces(connections: Connections): Promise<ReconciledWorkspace[]> {
  return (await connections.run(LIST)).map(workspaceOf)
}

export async function enterReconciled(
  connections: Connections,
  { token, workspaceId, keyPrint }: { token: number; workspaceId: string; keyPrint: string },
): Promise<boolean> {
  const values = [token, workspaceId, keyPrint, rowIdOfKey(keyPrint)]
  const [, entered] = await connections.transaction([
    [RENAME, values],
    [ENTER, values],
  ])
  return entered?.length === 1
}

export async function recordReconciled(connections: Connections, window: ReconciledWindow): Promise<boolean> {
  const { token, workspaceId, checked, missed, recovered, oldestAt, newestAt, findings } = window
  const allowed = await connections.run(RECORD, [
    token,
    workspaceId,
    checked,
    missed,
    recovered,
    oldestAt,
    newestAt,
    token === null ? null : (window.confirmedUntil ?? null),
    window.isPassEnd === true,
    window.failureCode ?? null,
    findings.map(({ id }) => id),
    findings.map(({ kind }) => kind),
    findings.map(({ since }) => since),
    findings.map(({ until }) => until),
    findings.map((finding) => finding.missed),
    findings.map((finding) => finding.recovered),
    findings.map(({ eventIds }) => JSON.stringify(eventIds)),
  ])
  const { closedGaps } = window
  if (allowed.length === 1 && closedGaps !== undefined)
    await connections.run(CLOSE_GAPS, [workspaceId, closedGaps.since, closedGaps.until])
  if (findings.length > 0) await connections.run(FORGET, [FINDINGS_KEPT_MS])
  return allowed.length === 1
}

export function workspaceOf(row: Row): ReconciledWorkspace {
  const since = row['failing_since'] as number | null
  const passedAgoMs = row['passed_ago_ms'] as number | null
  return {
    workspaceId: row['workspace_id'] as string,
    keyPrint: row['key_print'] as string,
    confirmedUntil: row['confirmed_until'] as number | null,
    passedAgoMs: passedAgoMs === null ? null : Math.max(0, passedAgoMs),
    failing: since === null ? null : { since, code: row['failure_code'] as string },
  }
}
