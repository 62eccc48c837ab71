import type { KeptFinding, ReconciliationState, WorkspaceState } from '../store/reconciliations.ts'
import { failureText } from './api-failure.ts'

/** A workspace as the overview shows it, and what of it is worth a finding there. */
export interface ToldWorkspace {
  shown: {
    workspace_id: string
    confirmed_until: string | null
    lag_ms: number | null
    oldest_answer_at: string | null
    checked: number
    missed: number
    recovered: number
    failing: { since: string; code: string; text: string } | null
    gaps: { since: string; until: string; text: string }[]
  }
  facts: {
    workspaceId: string
    confirmedUntil: number | null
    recovered: { count: number; since: number; until: number } | null
    gaps: { since: number; until: number; text: string }[]
    failing: { since: number; code: string; text: string } | null
  }
}

export const GAPS_SHOWN_MS = 7 * 86_400_000
const MISSED_SHOWN_MS = 86_400_000

/** What people are told of each workspace. Of gaps those of the last week, of missed events those of the last day. */
export function toldWorkspaces(
  { workspaces, findings }: ReconciliationState,
  nowMs: number,
): ToldWorkspace[] {
  return workspaces.map((workspace) => {
    const own = findings.filter(({ workspaceId }) => workspaceId === workspace.workspaceId)
    return told(workspace, own, nowMs)
  })
}

function told(workspace: WorkspaceState, findings: readonly KeptFinding[], nowMs: number): ToldWorkspace {
  const { workspaceId, confirmedUntil, checked, missed, recovered } = workspace
  const gaps = findings.flatMap(gapOf)
  const failing = workspace.failing && {
    ...workspace.failing,
    // It goes into a sentence that has its own end.
    text: failureText(workspace.failing.code).replace(/\.$/, ''),
  }
  return {
    shown: {
      workspace_id: workspaceId,
      confirmed_until: timeOrNull(confirmedUntil),
      lag_ms: lagMs(workspace, nowMs),
      oldest_answer_at: timeOrNull(workspace.oldestAnswerAt),
      checked,
      missed,
      recovered,
      failing: failing && { ...failing, since: time(failing.since) },
      gaps: gaps.map((gap) => ({ ...gap, since: time(gap.since), until: time(gap.until) })),
    },
    facts: {
      workspaceId,
      confirmedUntil,
      recovered: recoveredOf(findings, nowMs),
      gaps,
      failing,
    },
  }
}

/** How far what is confirmed is behind now, in milliseconds. */
export function lagMs(
  { confirmedUntil }: Pick<WorkspaceState, 'confirmedUntil'>,
  nowMs: number,
): number | null {
  return confirmedUntil === null ? null : Math.max(0, Math.round(nowMs - confirmedUntil))
}

function gapOf({ kind, since, until, missed, recovered }: KeptFinding): ToldWorkspace['facts']['gaps'] {
  if (kind === 'gap') return [{ since, until, text: "Seam's API did not list them in full" }]
  if (recovered >= missed) return []
  const left = missed - recovered
  return [{ since, until, text: `${left} missed ${left === 1 ? 'event was' : 'events were'} not taken in` }]
}

function recoveredOf(findings: readonly KeptFinding[], nowMs: number): ToldWorkspace['facts']['recovered'] {
  const recent = findings.filter(
    ({ kind, recovered, foundAt }) => kind === 'missed' && recovered > 0 && foundAt > nowMs - MISSED_SHOWN_MS,
  )
  if (recent.length === 0) return null
  return {
    count: recent.reduce((sum, { recovered }) => sum + recovered, 0),
    since: Math.min(...recent.map(({ since }) => since)),
    until: Math.max(...recent.map(({ until }) => until)),
  }
}

function timeOrNull(at: number | null): string | null {
  return at === null ? null : time(at)
}

function time(at: number): string {
  return new Date(at).toISOString()
}
