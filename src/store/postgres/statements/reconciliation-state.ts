import { LATEST_EVENTS, MAX_FINDINGS } from '../../reconciliations.ts'
import type { KeptFinding, ReconciliationState } from '../../reconciliations.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { momentOf, msOf } from '../span-of-time.ts'
import { WORKSPACE, workspaceOf } from './reconciled.ts'

const LIST: Statement = {
  name: 'reconciliation-state',
  text: `
  select ${WORKSPACE}, round(${msOf('oldest_answer_at')}) as oldest_answer_at,
    round(${msOf('newest_answer_at')}) as newest_answer_at, checked, missed, recovered
  from seam_relay.reconciliations order by workspace_id`,
}
const FINDINGS: Statement = {
  name: 'reconciliation-findings',
  text: `
  select id, workspace_id, kind, round(${msOf('since')}) as since, round(${msOf('until')}) as until, missed, recovered,
    event_ids, round(${msOf('found_at')}) as found_at
  from seam_relay.reconciliation_findings where found_at >= ${momentOf('$1::float8')}
  order by found_at desc, id limit ${MAX_FINDINGS}`,
}
/** Looks back over so many events, because no index has them by workspace. */
const LAST_WEBHOOKS: Statement = {
  name: 'last-webhooks',
  text: `
  select workspace_id, round(${msOf('max(accepted_at)')}) as at from (
    select workspace_id, source, accepted_at from seam_relay.events order by seq desc limit ${LATEST_EVENTS}) latest
  where source = 'webhook' group by workspace_id order by workspace_id`,
}

export async function reconciliationState(
  connections: Connections,
  { findingsSince }: { findingsSince: number },
): Promise<ReconciliationState> {
  const [workspaces, findings, lastWebhooks] = await Promise.all([
    connections.run(LIST),
    connections.run(FINDINGS, [findingsSince]),
    connections.run(LAST_WEBHOOKS),
  ])
  return {
    workspaces: workspaces.map((row) => ({
      ...workspaceOf(row),
      oldestAnswerAt: row['oldest_answer_at'] as number | null,
      newestAnswerAt: row['newest_answer_at'] as number | null,
      checked: row['checked'] as number,
      missed: row['missed'] as number,
      recovered: row['recovered'] as number,
    })),
    findings: findings.map(findingOf),
    lastWebhooks: lastWebhooks.map((row) => ({
      workspaceId: row['workspace_id'] as string,
      at: row['at'] as number,
    })),
  }
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
    eventIds: row['event_ids'] as string[],
    foundAt: row['found_at'] as number,
  }
}
