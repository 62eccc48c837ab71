import type { HookPause, NewAction, RecordRequest } from '../records.ts'
import type { ReconciledWindow, ReconciledWorkspace, ReconcilingLease } from '../reconciliations.ts'
import type {
  DiscardRequest,
  DismissRequest,
  DismissResult,
  EndReplayRequest,
  NewReplay,
  ReplayJob,
  ReplayStep,
  StepReplayRequest,
} from '../replay-jobs.ts'
import type {
  AcceptRequest,
  AcceptResult,
  Announcement,
  ClaimResult,
  ClaimWant,
  PruneRequest,
  PruneResult,
  QuarantineRequest,
  SettleResult,
  Settlement,
  Store,
} from '../store.ts'
import { acceptResult, acceptRow } from './statements/accept.ts'
import { claimResult } from './statements/claim.ts'
import { settleRow } from './statements/settle.ts'
import { StoreThread } from './store-thread.ts'
import type { StoreThreadOptions } from './store-thread.ts'

export type SqliteStoreOptions = StoreThreadOptions

/** The embedded store: what the contract asks for, each a call to SQLite's thread. */
export class SqliteStore implements Store {
  readonly #thread: StoreThread

  /** @throws {Error} with a `code`, if the file cannot be opened, is newer than the program, or is in use */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    return new SqliteStore(await StoreThread.open(options))
  }

  private constructor(thread: StoreThread) {
    this.#thread = thread
  }

  async accept(request: AcceptRequest): Promise<AcceptResult> {
    return acceptResult(await this.#thread.call('accept', acceptRow(request), request.event.body.length))
  }

  quarantine(request: QuarantineRequest): Promise<{ quarantineId: string }> {
    return this.#thread.call('quarantine', request, request.bytes.length)
  }

  async claim(wants: readonly ClaimWant[]): Promise<ClaimResult> {
    return claimResult(await this.#thread.call('claim', wants))
  }

  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#thread.call('settle', settlements.map(settleRow))
  }

  createReplay(request: NewReplay): Promise<ReplayJob> {
    return this.#thread.call('createReplay', request)
  }

  runningReplay(): Promise<ReplayJob | null> {
    return this.#thread.call('runningReplay', null)
  }

  stepReplay(request: StepReplayRequest): Promise<ReplayStep> {
    return this.#thread.call('stepReplay', request)
  }

  endReplay(request: EndReplayRequest): Promise<ReplayJob | null> {
    return this.#thread.call('endReplay', request)
  }

  discard(request: DiscardRequest): Promise<{ discarded: number }> {
    return this.#thread.call('discard', request)
  }

  dismiss(request: DismissRequest): Promise<DismissResult> {
    return this.#thread.call('dismiss', request)
  }

  prune(request: PruneRequest): Promise<PruneResult> {
    return this.#thread.call('prune', request)
  }

  record(request: RecordRequest): Promise<void> {
    return this.#thread.call('record', request)
  }

  recordAction(action: NewAction): Promise<void> {
    return this.#thread.call('recordAction', action)
  }

  pauseHook(pause: Omit<HookPause, 'pausedAt'>): Promise<HookPause> {
    return this.#thread.call('pauseHook', pause)
  }

  resumeHook(hook: string): Promise<boolean> {
    return this.#thread.call('resumeHook', hook)
  }

  pausedHooks(): Promise<HookPause[]> {
    return this.#thread.call('pausedHooks', null)
  }

  dropQuarantined(id: string): Promise<boolean> {
    return this.#thread.call('dropQuarantined', id)
  }

  takeReconciling(request: { holder: string; leaseMs: number }): Promise<ReconcilingLease> {
    return this.#thread.call('takeReconciling', request)
  }

  leaveReconciling(request: { holder: string }): Promise<void> {
    return this.#thread.call('leaveReconciling', request)
  }

  reconciledWorkspaces(): Promise<ReconciledWorkspace[]> {
    return this.#thread.call('reconciledWorkspaces', null)
  }

  enterReconciled(request: { token: number; workspaceId: string; keyPrint: string }): Promise<boolean> {
    return this.#thread.call('enterReconciled', request)
  }

  recordReconciled(request: ReconciledWindow): Promise<boolean> {
    return this.#thread.call('recordReconciled', request)
  }

  knownHashes(dedupKeys: readonly string[]): Promise<(string | null)[]> {
    return this.#thread.call('knownHashes', dedupKeys)
  }

  areQuarantined(fingerprints: readonly string[]): Promise<boolean[]> {
    return this.#thread.call('areQuarantined', fingerprints)
  }

  /** The file is locked for one process. */
  async announce(): Promise<Announcement> {
    this.#thread.refuseIfClosed()
    return { kind: 'alone' }
  }

  async leave(): Promise<void> {
    this.#thread.refuseIfClosed()
  }

  async check(): Promise<void> {
    await this.#thread.call('check', null)
  }

  /** The store's time, in milliseconds since 1970. */
  now(): number {
    return this.#thread.now()
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
