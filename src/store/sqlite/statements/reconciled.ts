import type { DatabaseSync } from 'node:sqlite'
import { FINDINGS_KEPT_MS, rowIdOfKey } from '../../reconciliations.ts'
import type { ReconciledWindow, ReconciledWorkspace, ReconciliationFinding } from '../../reconciliations.ts'

type Row = Record<string, string | number | null>

/** A token that another one followed is of a process that was paused: what it says is refused. */
const IS_LATEST = 'select 1 from reconciler where token = ?'

export function prepareReconciledWorkspaces(db: DatabaseSync) {
  const list = db.prepare('select * from reconciliations order by workspace_id')

  return (_request: null, now: number): ReconciledWorkspace[] =>
    (list.all() as Row[]).map((row) => workspaceOf(row, now))
}

export function prepareEnterReconciled(db: DatabaseSync) {
  const isLatest = db.prepare(IS_LATEST)
  const find = db.prepare('select 1 from reconciliations where workspace_id = ?')
  const rename = db.prepare('update reconciliations set workspace_id = ? where workspace_id = ?')
  const remove = db.prepare('delete from reconciliations where workspace_id = ?')
  const enter = db.prepare(
    `insert into reconciliations (workspace_id, key_print) values (?, ?)
     on conflict (workspace_id) do update set key_print = excluded.key_print`,
  )

  return (request: { token: number; workspaceId: string; keyPrint: string }): boolean => {
    const { token, workspaceId, keyPrint } = request
    if (isLatest.get(token) === undefined) return false
    const ofKey = rowIdOfKey(keyPrint)
    if (workspaceId !== ofKey) {
      if (find.get(workspaceId) === undefined) rename.run(workspaceId, ofKey)
      else remove.run(ofKey)
    }
    enter.run(workspaceId, keyPrint)
    return true
  }
}

export function prepareRecordReconciled(db: DatabaseSync) {
  const isLatest = db.prepare(IS_LATEST)
  const update = db.prepare(
    `update reconciliations set
       checked = checked + :checked, missed = missed + :missed, recovered = recovered + :recovered,
       oldest_answer_at = min(coalesce(oldest_answer_at, :oldest), coalesce(:oldest, oldest_answer_at)),
       newest_answer_at = max(coalesce(newest_answer_at, :newest), coalesce(:newest, newest_answer_at)),
       confirmed_until = case when :confirmed is null then confirmed_until
         else max(coalesce(confirmed_until, :confirmed), :confirmed) end,
       passed_at = iif(:isPassEnd, :now, passed_at),
       failing_since = case when :isPassEnd then null when :failure is null then failing_since
         else coalesce(failing_since, :now) end,
       failure_code = case when :isPassEnd then null else coalesce(:failure, failure_code) end
     where workspace_id = :workspace`,
  )
  const keep = db.prepare(
    `insert into reconciliation_findings (id, workspace_id, kind, since, until, missed, recovered, event_ids, found_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set since = excluded.since, until = excluded.until, missed = excluded.missed,
       recovered = excluded.recovered, event_ids = excluded.event_ids`,
  )
  const closeGaps = db.prepare(
    `delete from reconciliation_findings where workspace_id = ? and kind = 'gap' and since >= ? and until <= ?`,
  )
  const forget = db.prepare('delete from reconciliation_findings where found_at < ?')

  return (window: ReconciledWindow, now: number): boolean => {
    if (window.token !== null && isLatest.get(window.token) === undefined) return false
    update.run({
      workspace: window.workspaceId,
      checked: window.checked,
      missed: window.missed,
      recovered: window.recovered,
      oldest: window.oldestAt,
      newest: window.newestAt,
      confirmed: window.token === null ? null : (window.confirmedUntil ?? null),
      isPassEnd: window.isPassEnd === true ? 1 : 0,
      failure: window.failureCode ?? null,
      now,
    })
    if (window.closedGaps !== undefined)
      closeGaps.run(window.workspaceId, window.closedGaps.since, window.closedGaps.until)
    for (const finding of window.findings) keepFinding(window.workspaceId, finding, now)
    return true
  }

  function keepFinding(workspaceId: string, finding: ReconciliationFinding, now: number): void {
    forget.run(now - FINDINGS_KEPT_MS)
    const { id, kind, since, until, missed, recovered, eventIds } = finding
    keep.run(id, workspaceId, kind, since, until, missed, recovered, JSON.stringify(eventIds), now)
  }
}

export function workspaceOf(row: Row, now: number): ReconciledWorkspace {
  const since = row['failing_since'] as number | null
  const passedAt = row['passed_at'] as number | null
  return {
    workspaceId: row['workspace_id'] as string,
    keyPrint: row['key_print'] as string,
    confirmedUntil: row['confirmed_until'] as number | null,
    passedAgoMs: passedAt === null ? null : Math.max(0, now - passedAt),
    failing: since === null ? null : { since, code: row['failure_code'] as string },
  }
}
