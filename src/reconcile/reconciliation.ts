import { randomUUID } from 'node:crypto'
import type { Reconciliation as Settings } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { ReconcileFigures } from '../observability/reconcile-metrics.ts'
import type {
  ReconciliationQuestions,
  ReconciliationState,
  Reconciliations,
} from '../store/reconciliations.ts'
import type { Clock } from '../time/clock.ts'
import { failureText } from './api-failure.ts'
import type { TakeIn } from './compare.ts'
import { compareSpan } from './compare-span.ts'
import { typesToAskFor } from './known-types.ts'
import { Pacer } from './pacer.ts'
import { Reconciler } from './reconciler.ts'
import type { ReconcilerOptions } from './reconciler.ts'
import { earliestComparable } from './span.ts'
import { GAPS_SHOWN_MS, lagMs, toldWorkspaces } from './told.ts'
import type { ToldWorkspace } from './told.ts'
import { KeyedWorkspace } from './workspace.ts'

export interface ReconciliationOptions extends Pick<
  ReconcilerOptions,
  'clock' | 'log' | 'random' | 'onMissed' | 'onGap'
> {
  settings: Settings
  store: Reconciliations
  reader: ReconciliationQuestions
  receive: TakeIn
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
  /** How long the ids of events are remembered, in milliseconds. */
  rememberedMs: number
  clock: Clock
  log: Logger
}

export interface Reconciliation {
  start(): void
  /** May be called twice. */
  stop(): Promise<void>
  /** For the overview. */
  reconciliationOverview(): Promise<ToldWorkspace[]>
  /** For the metrics; `null` where the store could not be read. */
  figures(): Promise<ReconcileFigures[] | null>
  /**
   * Compares a span in every workspace now, on a person's word. The confirmed time stays as it is. One after the other.
   * @throws {ReconcileError} if Seam's API cannot be asked, or the span reaches too far back
   */
  reconcileSpan(span: AskedSpan): Promise<{ checked: number; missed: number; recovered: number }>
}

export interface AskedSpan {
  /** Milliseconds since 1970, as `until`. */
  since: number
  until?: number
  /** Only counts. */
  dryRun: boolean
}

/** A span could not be compared. `code` is stable, the message is for people. */
export class ReconcileError extends Error {
  override readonly name = 'ReconcileError'
  readonly code: string

  constructor(code: string, message = failureText(code), options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Finds events whose webhooks never came. `null` without a key of Seam's API. */
export function createReconciliation(options: ReconciliationOptions): Reconciliation | null {
  const { settings, store, reader, clock, log, acceptEventTypes, rememberedMs } = options
  if (settings.apiKeys.length === 0) return null
  const eventTypes = typesToAskFor(acceptEventTypes)
  const openWorkspaces = () =>
    settings.apiKeys.map((key) => new KeyedWorkspace({ url: settings.apiUrl, key, clock, eventTypes }))
  const reconciler = new Reconciler({ ...settings, ...options, workspaces: openWorkspaces() })
  // Of their own: a question of a person neither waits for the regular ones nor confuses their failures.
  const asked = openWorkspaces()
  const prints = new Set(asked.map(({ keyPrint }) => keyPrint))
  const stopping = new AbortController()
  let before: Promise<unknown> = Promise.resolve()

  return {
    start: () => reconciler.start(),
    async stop() {
      stopping.abort()
      await Promise.all([reconciler.stop(), ...asked.map((workspace) => workspace.close()), before])
    },
    reconciliationOverview: async () => toldWorkspaces(await readState(), clock.wallMs()),
    async figures() {
      try {
        return figuresOf(await readState(), clock.wallMs())
      } catch {
        return null
      }
    },
    reconcileSpan(span) {
      const result = before.then(() => compareAll(span))
      before = result.catch(() => {})
      return result
    },
  }

  /** Without the workspaces of keys that are no longer configured. */
  async function readState(): Promise<ReconciliationState> {
    const state = await reader.reconciliationState({ findingsSince: clock.wallMs() - GAPS_SHOWN_MS })
    return { ...state, workspaces: state.workspaces.filter(({ keyPrint }) => prints.has(keyPrint)) }
  }

  async function compareAll(
    span: AskedSpan,
  ): Promise<{ checked: number; missed: number; recovered: number }> {
    const sum = { checked: 0, missed: 0, recovered: 0 }
    const done = new Set<string>()
    for (const workspace of asked) {
      const found = await workspace.find()
      if (!found.ok) throw new ReconcileError(found.failure.code)
      if (done.has(found.value)) continue
      done.add(found.value)
      const { checked, missed, recovered } = await compareOne(workspace, found.value, span)
      sum.checked += checked
      sum.missed += missed
      sum.recovered += recovered
    }
    return sum
  }

  /** Whoever asks for the span of a gap again, and gets all of it, need not be told of the gap any more. */
  async function closeGaps(workspaceId: string, span: { since: number; until: number }): Promise<void> {
    const nothing = { checked: 0, missed: 0, recovered: 0, oldestAt: null, newestAt: null, findings: [] }
    await store.recordReconciled({ ...nothing, token: null, workspaceId, closedGaps: span })
  }

  async function compareOne(
    workspace: KeyedWorkspace,
    workspaceId: string,
    { since, until, dryRun }: AskedSpan,
  ) {
    const nowMs = workspace.seamNowMs()
    if (since < earliestComparable(nowMs, rememberedMs)) {
      throw new ReconcileError(
        'span_too_old',
        'The span begins before what DEDUP_RETENTION_DAYS remembers: events that are forgotten would be delivered again. Begin later.',
      )
    }
    const toMs = Math.min(until ?? Infinity, nowMs - settings.settleMs)
    if (since >= toMs) return { checked: 0, missed: 0, recovered: 0 }
    const result = await compareSpan({
      ...options,
      workspaceId,
      span: { fromMs: since, toMs },
      isDryRun: dryRun,
      findingId: randomUUID(),
      list: workspace.list,
      pacer: new Pacer(clock, stopping.signal),
      mayGoOn: async () => !stopping.signal.aborted,
      keep: (window) =>
        dryRun ? Promise.resolve(true) : store.recordReconciled({ ...window, token: null, workspaceId }),
    })
    if (result.finding !== null && !dryRun) {
      const { missed, recovered } = result
      log.warn(
        { workspace_id: workspaceId, missed, recovered },
        'events missed, found because a person asked',
      )
    }
    switch (result.end.kind) {
      case 'done':
        if (!dryRun && result.gaps.length === 0) await closeGaps(workspaceId, { since, until: toMs })
        return result
      case 'taken_over':
        throw new ReconcileError('stopped')
      case 'failed':
        throw new ReconcileError(result.end.failure.code, undefined, { cause: result.end.error })
    }
  }
}

function figuresOf({ workspaces, lastWebhooks }: ReconciliationState, nowMs: number): ReconcileFigures[] {
  return workspaces.map((workspace) => {
    const { workspaceId, checked, missed, recovered, failing } = workspace
    const lastAt = lastWebhooks.find((one) => one.workspaceId === workspaceId)?.at
    return {
      workspaceId,
      checked,
      missed,
      recovered,
      lagMs: lagMs(workspace, nowMs),
      sinceWebhookMs: lastAt === undefined ? null : Math.max(0, nowMs - lastAt),
      isFailing: failing !== null,
    }
  })
}
