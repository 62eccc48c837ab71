import type { DatabaseSync } from 'node:sqlite'
import { LATEST_EVENTS, MAX_FINDINGS } from '../../reconciliations.ts'
import type { KeptFinding, ReconciliationState } from '../../reconciliations.ts'
import { workspaceOf } from './reconciled.ts'

type Row = Record<string, string | number | null>

/** Looks back over so many events for the last webhook, because no index has them by workspace. */
export function prepareReconciliationState(db: DatabaseSync) {
  const list = db.prepare('select * from reconciliations order by workspace_id')
  const findings = db.prepare(
    `select * from reconciliation_findings where found_at >= ? order by found_at desc, id limit ${MAX_FINDINGS}`,
  )
  const lastWebhooks = db.prepare(
    `select workspace_id, max(accepted_at) as at from (
       select workspace_id, source, accepted_at from events order by seq desc limit ${LATEST_EVENTS})
     where source = 'webhook' group by workspace_id order by workspace_id`,
  )

  return ({ findingsSince }: { findingsSince: number }, now: number): ReconciliationState => ({
    workspaces: (list.all() as Row[]).map((row) => ({
      ...workspaceOf(row, now),
      oldestAnswerAt: row['oldest_answer_at'] as number | null,
      newestAnswerAt: row['newest_answer_at'] as number | null,
      checked: row['checked'] as number,
      missed: row['missed'] as number,
      recovered: row['recovered'] as number,
    })),
    findings: (findings.all(findingsSince) as Row[]).map(findingOf),
    lastWebhooks: (lastWebhooks.all() as Row[]).map((row) => ({
      workspaceId: row['workspace_id'] as string,
      at: row['at'] as number,
    })),
  })
}

function findingOf(row: Row): KeptFinding {
  return {
    id: row['id'] as string,
    workspaceId: row['workspace_id'] as string,
    kind: row['kind'] as KeptFinding['kind'],
    since: row['since'] as number,
    until: row['until'] as number,
    missed: row['missed'] as number,
    recovered: row['recovered'] as number,
    eventIds: JSON.parse(row['event_ids'] as string) as string[],
    foundAt: row['found_at'] as number,
  }
}
