import type { ReconciledWindow, ReconciliationFinding } from '../store/reconciliations.ts'
import type { ApiFailure } from './api-failure.ts'
import { compare } from './compare.ts'
import type { CompareOptions, Comparison } from './compare.ts'
import type { Pacer } from './pacer.ts'
import { readSpan } from './read-span.ts'
import type { GapReason, List } from './read-span.ts'
import type { Span } from './span.ts'
import { Tally, gapFinding } from './tally.ts'

export interface CompareSpanOptions extends CompareOptions {
  workspaceId: string
  span: Span
  isDryRun: boolean
  /** A UUID for the finding, if there is one. */
  findingId: string
  list: List
  pacer: Pacer
  /** Called before each question: `false` ends it, because another replica has taken over or the relay stops. */
  mayGoOn: () => Promise<boolean>
  /**
   * Writes down what one window gave, once that is on disk: `false` where another replica has taken over.
   * @param comparedUntil everything up to this has been compared; `null` where it has not
   */
  keep: (window: WindowResult, comparedUntil: number | null) => Promise<boolean>
}

export type WindowResult = Pick<
  ReconciledWindow,
  'checked' | 'missed' | 'recovered' | 'oldestAt' | 'newestAt' | 'findings'
>

export interface SpanResult {
  checked: number
  missed: number
  recovered: number
  finding: ReconciliationFinding | null
  gaps: { span: Span; reason: GapReason }[]
  end: SpanEnd
}

export type SpanEnd = { kind: 'done' } | { kind: 'taken_over' } | FailedEnd

export interface FailedEnd {
  kind: 'failed'
  failure: Pick<ApiFailure, 'retryAfterMs' | 'status'> & { code: string }
  error?: unknown
}

/** Compares a span window by window, and writes down each before the next is asked for. */
export async function compareSpan(options: CompareSpanOptions): Promise<SpanResult> {
  const { workspaceId, span, isDryRun, list, pacer, mayGoOn, keep } = options
  const tally = new Tally(options.findingId)
  const result: SpanResult = {
    checked: 0,
    missed: 0,
    recovered: 0,
    finding: null,
    gaps: [],
    end: { kind: 'done' },
  }
  let mayAsk = true
  const listIfAllowed: List = async (asked, offset) => {
    mayAsk = await mayGoOn()
    if (!mayAsk) return { ok: false, failure: { code: 'stopped', status: null, retryAfterMs: null } }
    return list(asked, offset)
  }
  for await (const piece of readSpan(span, listIfAllowed)) {
    if (piece.kind === 'failed') {
      return { ...result, end: mayAsk ? { kind: 'failed', failure: piece.failure } : { kind: 'taken_over' } }
    }
    const compared = await compare(piece.texts, { span: piece.span, workspaceId, isDryRun }, options, pacer)
    add(compared)
    if (piece.gap !== null) result.gaps.push({ span: piece.span, reason: piece.gap })
    const isWhole = compared.error === null && !compared.isOfAnotherWorkspace
    const { checked, missed, recovered, oldestAt, newestAt } = compared
    const findings = [
      ...(missed > 0 && result.finding !== null ? [result.finding] : []),
      ...(piece.gap === null ? [] : [gapFinding(workspaceId, piece.span)]),
    ]
    const isKept = await keep(
      { checked, missed, recovered, oldestAt, newestAt, findings },
      isWhole && piece.isLast ? piece.span.toMs : null,
    )
    if (compared.isOfAnotherWorkspace) return { ...result, end: failed('wrong_workspace') }
    if (compared.error !== null) return { ...result, end: failed('store_failing', compared.error) }
    if (!isKept) return { ...result, end: { kind: 'taken_over' } }
  }
  return result

  function add(compared: Comparison): void {
    tally.add(compared)
    result.checked += compared.checked
    result.missed += compared.missed
    result.recovered += compared.recovered
    result.finding = tally.finding
  }
}

export function failed(code: string, error?: unknown): FailedEnd {
  const failure = { code, status: null, retryAfterMs: null }
  return { kind: 'failed', failure, ...(error === undefined ? {} : { error }) }
}
