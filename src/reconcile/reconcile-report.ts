import type { Logger } from '../observability/logger.ts'
import type { ReconciliationFinding } from '../store/reconciliations.ts'
import type { Clock } from '../time/clock.ts'
import { failureText } from './api-failure.ts'
import type { FailedEnd, SpanResult } from './compare-span.ts'
import { gapText } from './read-span.ts'
import type { GapReason } from './read-span.ts'
import type { Span } from './span.ts'
import { gapFinding, missedText } from './tally.ts'
import type { KeyedWorkspace } from './workspace.ts'

export interface ReconcileReportOptions {
  workspaces: readonly KeyedWorkspace[]
  clock: Clock
  log: Logger
  /** Called once for what a pass has missed, and once for each gap. Neither throws. */
  onMissed: (workspaceId: string, finding: ReconciliationFinding) => void
  onGap: (workspaceId: string, gap: { since: number; until: number }) => void
}

export interface ToldGap {
  span: Span
  reason: GapReason | 'too_old'
}

/** Gaps that are remembered as told. Past them, the oldest may be told a second time. */
const MAX_TOLD = 1000

/** Tells people what reconciliation finds and what it fails at: each thing once, in the log and by alerts. */
export class ReconcileReport {
  readonly #options: ReconcileReportOptions
  readonly #toldGaps = new Set<string>()

  constructor(options: ReconcileReportOptions) {
    this.#options = options
  }

  /** In one line, recovered or not: the way of the webhooks was broken. */
  missed(workspaceId: string, finding: SpanResult['finding']): void {
    if (finding === null) return
    const { log, clock, onMissed } = this.#options
    const { missed, recovered } = finding
    const about = { workspace_id: workspaceId, missed, recovered, ...timesOf(finding) }
    log.warn({ ...about, summary: missedText(finding, clock.wallMs()) }, 'events missed')
    onMissed(workspaceId, finding)
  }

  gaps(workspaceId: string, gaps: readonly ToldGap[]): void {
    for (const { span, reason } of gaps) {
      const gap = gapFinding(workspaceId, span)
      if (this.#toldGaps.has(gap.id)) continue
      this.#toldGaps.add(gap.id)
      if (this.#toldGaps.size > MAX_TOLD) this.#toldGaps.delete(this.#toldGaps.keys().next().value as string)
      const about = { workspace_id: workspaceId, ...timesOf(gap), reason: gapText(reason) }
      this.#options.log.error(about, 'events may be missing')
      this.#options.onGap(workspaceId, gap)
    }
  }

  /** Said once for each reason, until the workspace could be compared again. */
  failed(workspace: KeyedWorkspace, { failure, error }: FailedEnd): void {
    if (workspace.saidCode === failure.code) return
    workspace.saidCode = failure.code
    const { code, status } = failure
    const about = { ...this.#about(workspace), code, status, problem: failureText(code) }
    this.#options.log.warn(error === undefined ? about : { ...about, err: error }, 'reconciliation fails')
  }

  worksAgain(workspace: KeyedWorkspace): void {
    workspace.saidCode = null
    this.#options.log.info(this.#about(workspace), 'reconciliation works again')
  }

  /** A key whose workspace is not known is named by its place. */
  #about(workspace: KeyedWorkspace): object {
    const { workspaceId } = workspace
    return { workspace_id: workspaceId, key_number: this.#options.workspaces.indexOf(workspace) + 1 }
  }
}

function timesOf({ since, until }: { since: number; until: number }): { since: string; until: string } {
  return { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
}
