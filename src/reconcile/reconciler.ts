import { randomUUID } from 'node:crypto'
import { rowIdOfKey } from '../store/reconciliations.ts'
import type { Reconciliations } from '../store/reconciliations.ts'
import { Loop } from '../time/loop.ts'
import { failureText } from './api-failure.ts'
import { retryDelayMs } from './backoff.ts'
import type { TakeIn } from './compare.ts'
import { compareSpan, failed } from './compare-span.ts'
import type { FailedEnd, SpanEnd } from './compare-span.ts'
import { Pacer } from './pacer.ts'
import { ReconcileReport } from './reconcile-report.ts'
import type { ReconcileReportOptions } from './reconcile-report.ts'
import { spanToCompare } from './span.ts'
import { gapFinding } from './tally.ts'
import type { KeyedWorkspace } from './workspace.ts'

export interface ReconcilerOptions extends ReconcileReportOptions {
  store: Reconciliations
  receive: TakeIn
  acceptEventTypes: readonly string[]
  intervalMs: number
  lookbackMs: number
  settleMs: number
  /** How long the ids of events are remembered. */
  rememberedMs: number
  random: () => number
}

/** Longer than one question to Seam and its answer in the store take together. */
const LEASE_MS = 60_000
/** The lease is taken anew when so much of it has passed. */
const RENEW_AFTER_MS = 15_000
/** How soon a replica sees that the one that reconciled has stopped. */
const LOOK_EVERY_MS = 5000
const SOON_MS = 1000
/** How soon the store is asked again that could not be. */
const STORE_RETRY_MS = 5000

/**
 * Compares each workspace with Seam's own list at the start and every so often, one workspace after the other. Of several
 * replicas one does it.
 *
 *   take the lease ──held by another──▶ sleep until it could be free
 *        │ have it
 *        ▼
 *   each workspace that is due: which is it? ─▶ window ─▶ compare, take in ─▶ written down ─▶ window …
 *        │                                                                        │ token too old: another took over
 *        ▼                                                                        ▼
 *   sleep until the next is due                                            begin anew, with the lease
 *
 * What was compared is written down after the missed events are on disk, never before: so after a crash at any moment nothing
 * is passed over. A workspace that cannot be asked is left alone for longer each time, and no other one waits for it.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #loop: Loop
  readonly #pacer: Pacer
  readonly #holder = randomUUID()
  readonly #report: ReconcileReport
  #token = 0
  #leasedAt = -Infinity
  #saidStoreFails = false

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
    this.#report = new ReconcileReport(options)
    this.#pacer = new Pacer(options.clock, this.#loop.signal)
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends what is under way; what was not written down is compared at the next start. May be called twice. */
  async stop(): Promise<void> {
    const stopped = this.#loop.stop()
    await Promise.all(this.#options.workspaces.map((workspace) => workspace.close()))
    await stopped
    // The next one need not wait. Where this fails, the lease runs out.
    if (this.#token > 0) await this.#options.store.leaveReconciling({ holder: this.#holder }).catch(() => {})
  }

  async #step(): Promise<number> {
    const { workspaces, clock } = this.#options
    try {
      const freeInMs = await this.#takeLease()
      if (freeInMs !== null) return Math.min(Math.max(freeInMs, SOON_MS), LOOK_EVERY_MS)
      for (const workspace of workspaces) {
        if (workspace.nextAt > clock.steadyMs()) continue
        if (this.#loop.signal.aborted) return 0
        const end = await this.#pass(workspace)
        if (end.kind === 'taken_over') return SOON_MS
      }
      this.#saidStoreFails = false
      const nextAt = Math.min(...workspaces.map((workspace) => workspace.nextAt))
      // The lease is kept by coming back in time.
      return Math.max(0, Math.min(nextAt - clock.steadyMs(), LEASE_MS - RENEW_AFTER_MS))
    } catch (error) {
      if (!this.#saidStoreFails && !this.#loop.signal.aborted) {
        this.#options.log.warn({ err: error, problem: failureText('store_failing') }, 'reconciliation fails')
      }
      this.#saidStoreFails = true
      return STORE_RETRY_MS
    }
  }

  /** @returns `null` if this process has it, otherwise when it may be free */
  async #takeLease(): Promise<number | null> {
    const { store, clock } = this.#options
    const askedAt = clock.steadyMs()
    const lease = await store.takeReconciling({ holder: this.#holder, leaseMs: LEASE_MS })
    if (!lease.isHeld) {
      this.#leasedAt = -Infinity
      return lease.freeInMs
    }
    this.#leasedAt = askedAt
    this.#token = lease.token
    return null
  }

  /** Whether this process is still the one that reconciles, since the pass that began under this token. */
  async #mayGoOn(token: number): Promise<boolean> {
    if (this.#loop.signal.aborted) return false
    if (this.#options.clock.steadyMs() - this.#leasedAt < RENEW_AFTER_MS) return true
    return (await this.#takeLease()) === null && this.#token === token
  }

  async #pass(workspace: KeyedWorkspace): Promise<SpanEnd> {
    const { clock, intervalMs, random } = this.#options
    const end = await this.#compare(workspace)
    switch (end.kind) {
      case 'done':
        if (workspace.failures > 0) this.#report.worksAgain(workspace)
        workspace.failures = 0
        workspace.nextAt = clock.steadyMs() + intervalMs
        break
      case 'failed':
        if (this.#loop.signal.aborted) break
        workspace.failures++
        workspace.nextAt =
          clock.steadyMs() + retryDelayMs(workspace.failures, end.failure.retryAfterMs, random())
        this.#report.failed(workspace, end)
        break
      case 'taken_over':
    }
    return end
  }

  async #compare(workspace: KeyedWorkspace): Promise<SpanEnd> {
    const { store, workspaces } = this.#options
    const token = this.#token
    const found = await workspace.find()
    if (!found.ok) return this.#keepFailure(workspace, token, { kind: 'failed', failure: found.failure })
    const workspaceId = found.value
    const isTwice = workspaces.some((other) => other !== workspace && other.workspaceId === workspaceId)
    if (isTwice) return this.#keepFailure(workspace, token, failed('duplicate_key'))
    workspace.workspaceId = workspaceId
    const { keyPrint } = workspace
    if (!(await store.enterReconciled({ token, workspaceId, keyPrint }))) return { kind: 'taken_over' }

    const rows = await store.reconciledWorkspaces()
    const confirmedUntil = rows.find((row) => row.workspaceId === workspaceId)?.confirmedUntil ?? null
    const due = spanToCompare({ ...this.#options, nowMs: workspace.seamNowMs(), confirmedUntil })
    const keep = (window: Partial<Parameters<Reconciliations['recordReconciled']>[0]>) =>
      store.recordReconciled({ ...NOTHING, token, workspaceId, ...window })
    if (due !== null) {
      if (due.tooOld !== null) await keep({ findings: [gapFinding(workspaceId, due.tooOld)] })
      const result = await compareSpan({
        ...this.#options,
        workspaceId,
        span: due.span,
        isDryRun: false,
        findingId: randomUUID(),
        list: workspace.list,
        pacer: this.#pacer,
        mayGoOn: () => this.#mayGoOn(token),
        keep: (window, comparedUntil) =>
          keep({ ...window, ...(comparedUntil === null ? {} : { confirmedUntil: comparedUntil }) }),
      })
      const tooOld = due.tooOld === null ? [] : [{ span: due.tooOld, reason: 'too_old' as const }]
      this.#report.missed(workspaceId, result.finding)
      this.#report.gaps(workspaceId, [...tooOld, ...result.gaps])
      if (result.end.kind === 'failed') return this.#keepFailure(workspace, token, result.end)
      if (result.end.kind === 'taken_over') return result.end
    }
    return (await keep({ isPassEnd: true })) ? { kind: 'done' } : { kind: 'taken_over' }
  }

  /** Where the store fails, too, nothing is written: it is said all the same. */
  async #keepFailure(workspace: KeyedWorkspace, token: number, end: FailedEnd): Promise<SpanEnd> {
    const { store } = this.#options
    if (this.#loop.signal.aborted) return end
    const { keyPrint } = workspace
    const failureCode = end.failure.code
    try {
      const isTwice = failureCode === 'duplicate_key'
      const rows = await store.reconciledWorkspaces()
      const known = isTwice ? undefined : rows.find((row) => row.keyPrint === keyPrint)
      const workspaceId = known?.workspaceId ?? rowIdOfKey(keyPrint)
      if (known === undefined) await store.enterReconciled({ token, workspaceId, keyPrint })
      const isKept = await store.recordReconciled({ ...NOTHING, token, workspaceId, failureCode })
      return isKept ? end : { kind: 'taken_over' }
    } catch {
      return end
    }
  }
}

const NOTHING = { checked: 0, missed: 0, recovered: 0, oldestAt: null, newestAt: null, findings: [] }
