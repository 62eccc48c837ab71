import { CONFLICT_PROBLEMS } from '../conflict.ts'
import type { HookPause, NewAction, RecordRequest } from '../records.ts'
import type { ReconciledWindow, ReconciledWorkspace, ReconcilingLease } from '../reconciliations.ts'
import { StoreError } from '../store.ts'
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
import { acceptAll } from './statements/accept.ts'
import type { Acceptance } from './statements/accept.ts'
import { Backoff } from './backoff.ts'
import { Claimer } from './claimer.ts'
import { BY_INDEX, Connections } from './connections.ts'
import { isDataError } from './database-error.ts'
import { DueSignal } from './due-signal.ts'
import { Gatherer } from './gatherer.ts'
import { IndexMaker } from './late-indices.ts'
import { prepareDatabase } from './prepare-database.ts'
import type { PrepareOptions } from './prepare-database.ts'
import { recordAction } from './statements/actions.ts'
import { dropQuarantined } from './statements/drop-quarantined.ts'
import { pauseHook, pausedHooks, resumeHook } from './statements/hook-pauses.ts'
import { areQuarantined, knownHashes } from './statements/known-events.ts'
import { prune } from './statements/prune.ts'
import { quarantineAll } from './statements/quarantine.ts'
import { enterReconciled, reconciledWorkspaces, recordReconciled } from './statements/reconciled.ts'
import { leaveReconciling, takeReconciling } from './statements/reconciling-lease.ts'
import { record } from './statements/record.ts'
import { createReplay, endReplay, runningReplay } from './statements/replays.ts'
import { stepReplay } from './statements/step-replay.ts'
import { discard } from './statements/discard.ts'
import { dismiss } from './statements/dismiss.ts'
import { Replicas } from './replicas.ts'
import { settle } from './statements/settle.ts'
import { check } from './statements/check.ts'

export interface PostgresStoreOptions extends PrepareOptions {
  log: Record<'info' | 'warn', (about: object, message: string) => void>
  /** The program's version, for people who look at the table of replicas. */
  version: string
  /** Called after each group of acceptances. */
  onCommit?: (commit: { calls: number; durationMs: number }) => void
  /** Called when another replica has said that something is due. */
  onDue?: () => void
}

/** Shorter than the sender's time-out of 15 s, so that it gets a 503 when the database hangs, and not silence. */
const CALL_TIMEOUT_MS = 8000
/** Steps of pruning and of replays wait for each other. */
const UPKEEP_TIMEOUT_MS = 60_000
/**
 * A webhook that was stored a moment ago is as good as a check. Without one, a check rewrites a row: nothing else tells
 * whether the disk of the database takes a commit, and it is one small row a second at most, however many ask.
 */
const ACCEPTANCE_TELLS_MS = 1000
/** Two signs may fail before a replica counts as gone. */
const SIGN_TIMEOUT_MS = 4000

/** The store that replicas share: a Postgres database. Its clock is the only one. */
export class PostgresStore implements Store {
  readonly #options: PostgresStoreOptions
  // Kept apart, so that acceptance waits for nothing else, and quick calls do not wait for slow ones.
  readonly #intake: Connections
  readonly #delivery: Connections
  readonly #upkeep: Connections
  /** Opened at the first use, and so only where events are reconciled: its lease must not wait for a step of upkeep. */
  readonly #reconciling: Connections
  /** A replica whose other connections are all busy is not gone. */
  readonly #signs: Connections
  readonly #accepting: Gatherer<AcceptRequest, Acceptance>
  readonly #quarantining: Gatherer<QuarantineRequest, string>
  readonly #claimer: Claimer
  readonly #replicas: Replicas
  readonly #signal: DueSignal
  readonly #indices: IndexMaker
  readonly #underWay = new Set<Promise<unknown>>()
  /** When a webhook was last put on disk, in steady milliseconds. */
  #acceptedAt = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | null = null

  /**
   * Connects, waits for a database that is just starting, and brings it to the current schema.
   * @throws {Error} if it cannot be reached in time, cannot be used, or is newer than the program
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    await prepareDatabase(options)
    return new PostgresStore(options)
  }

  private constructor(options: PostgresStoreOptions) {
    const { url, clock, version, onDue = () => {} } = options
    const shared = { url, backoff: new Backoff(clock) }
    this.#options = options
    this.#intake = new Connections({ ...shared, max: 2, timeoutMs: CALL_TIMEOUT_MS })
    this.#delivery = new Connections({ ...shared, max: 3, timeoutMs: CALL_TIMEOUT_MS, settings: BY_INDEX })
    this.#upkeep = new Connections({ ...shared, max: 1, timeoutMs: UPKEEP_TIMEOUT_MS, settings: BY_INDEX })
    this.#reconciling = new Connections({
      ...shared,
      max: 1,
      timeoutMs: CALL_TIMEOUT_MS,
      settings: BY_INDEX,
    })
    this.#signs = new Connections({ ...shared, max: 1, timeoutMs: SIGN_TIMEOUT_MS, settings: BY_INDEX })
    this.#claimer = new Claimer(this.#delivery, clock)
    this.#replicas = new Replicas(this.#signs, version)
    this.#accepting = new Gatherer({
      write: (group) => this.#accept(group),
      isRefusal: isRefusedData,
      sizeOf: ({ event }) => event.body.length,
    })
    this.#quarantining = new Gatherer({
      write: (group) => quarantineAll(this.#intake, group),
      isRefusal: isRefusedData,
      sizeOf: ({ bytes }) => bytes.length,
    })
    this.#signal = new DueSignal({ url, clock, onDue })
    this.#signal.open()
    this.#indices = new IndexMaker(options)
    this.#indices.start()
  }

  accept(request: AcceptRequest): Promise<AcceptResult> {
    return this.#call(async () => {
      const acceptance = await this.#accepting.add(request)
      if (acceptance.outcome !== 'conflict') return acceptance
      const { messageId, event } = request
      const aside = { messageId, bytes: Buffer.from(event.body), problems: CONFLICT_PROBLEMS }
      return { ...acceptance, quarantineId: await this.#quarantining.add(aside), problems: CONFLICT_PROBLEMS }
    })
  }

  quarantine(request: QuarantineRequest): Promise<{ quarantineId: string }> {
    return this.#call(async () => ({ quarantineId: await this.#quarantining.add(request) }))
  }

  claim(wants: readonly ClaimWant[]): Promise<ClaimResult> {
    return this.#call(() => this.#claimer.claim(wants, this.#replicas.id))
  }

  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#call(() => settle(this.#delivery, settlements))
  }

  createReplay(request: NewReplay): Promise<ReplayJob> {
    return this.#call(() => createReplay(this.#upkeep, request))
  }

  runningReplay(): Promise<ReplayJob | null> {
    return this.#call(() => runningReplay(this.#upkeep))
  }

  stepReplay(request: StepReplayRequest): Promise<ReplayStep> {
    return this.#call(async () => {
      const step = await stepReplay(this.#upkeep, request)
      if (step.changesDue) this.#signal.say()
      return step
    })
  }

  endReplay(request: EndReplayRequest): Promise<ReplayJob | null> {
    return this.#call(() => endReplay(this.#upkeep, request))
  }

  discard(request: DiscardRequest): Promise<{ discarded: number }> {
    return this.#call(() => discard(this.#upkeep, request))
  }

  dismiss(request: DismissRequest): Promise<DismissResult> {
    return this.#call(() => dismiss(this.#upkeep, request))
  }

  prune(request: PruneRequest): Promise<PruneResult> {
    return this.#call(() => prune(this.#upkeep, request))
  }

  record(request: RecordRequest): Promise<void> {
    return this.#call(() => record(this.#upkeep, request))
  }

  recordAction(action: NewAction): Promise<void> {
    return this.#call(() => recordAction(this.#delivery, action))
  }

  pauseHook(pause: Omit<HookPause, 'pausedAt'>): Promise<HookPause> {
    return this.#call(() => pauseHook(this.#delivery, pause))
  }

  resumeHook(hook: string): Promise<boolean> {
    return this.#call(() => resumeHook(this.#delivery, hook))
  }

  pausedHooks(): Promise<HookPause[]> {
    return this.#call(() => pausedHooks(this.#delivery))
  }

  dropQuarantined(id: string): Promise<boolean> {
    return this.#call(() => dropQuarantined(this.#upkeep, id))
  }

  takeReconciling(request: { holder: string; leaseMs: number }): Promise<ReconcilingLease> {
    return this.#call(() => takeReconciling(this.#reconciling, request))
  }

  leaveReconciling({ holder }: { holder: string }): Promise<void> {
    return this.#call(() => leaveReconciling(this.#reconciling, holder))
  }

  reconciledWorkspaces(): Promise<ReconciledWorkspace[]> {
    return this.#call(() => reconciledWorkspaces(this.#reconciling))
  }

  enterReconciled(request: { token: number; workspaceId: string; keyPrint: string }): Promise<boolean> {
    return this.#call(() => enterReconciled(this.#reconciling, request))
  }

  recordReconciled(request: ReconciledWindow): Promise<boolean> {
    return this.#call(() => recordReconciled(this.#reconciling, request))
  }

  knownHashes(dedupKeys: readonly string[]): Promise<(string | null)[]> {
    return this.#call(() => knownHashes(this.#reconciling, dedupKeys))
  }

  areQuarantined(fingerprints: readonly string[]): Promise<boolean[]> {
    return this.#call(() => areQuarantined(this.#reconciling, fingerprints))
  }

  announce(): Promise<Announcement> {
    return this.#call(async () => {
      const announcement = await this.#replicas.announce()
      if (announcement.kind === 'shared' && announcement.freed > 0) this.#signal.say()
      return announcement
    })
  }

  leave(): Promise<void> {
    return this.#call(() => this.#replicas.leave())
  }

  check(): Promise<void> {
    return this.#call(async () => {
      if (this.#options.clock.steadyMs() - this.#acceptedAt > ACCEPTANCE_TELLS_MS) await check(this.#delivery)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    await Promise.all([
      this.#signal.close(),
      this.#indices.stop(),
      this.#intake.close(),
      this.#delivery.close(),
      this.#upkeep.close(),
      this.#reconciling.close(),
      this.#signs.close(),
    ])
  }

  async #accept(group: readonly AcceptRequest[]): Promise<Acceptance[]> {
    const { clock, onCommit } = this.#options
    const startedAt = clock.steadyMs()
    const acceptances = await acceptAll(this.#intake, group, this.#replicas.id)
    this.#acceptedAt = clock.steadyMs()
    onCommit?.({ calls: group.length, durationMs: this.#acceptedAt - startedAt })
    const isDue = group.some(
      ({ deliveries }, index) =>
        acceptances[index]?.outcome === 'accepted' &&
        deliveries.some(({ leaseMs, isTooOld }) => leaseMs === undefined && isTooOld !== true),
    )
    if (isDue) this.#signal.say()
    return acceptances
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw new StoreError('store_closed', 'the store is closed')
    const call = work()
    this.#underWay.add(call)
    try {
      return await call
    } finally {
      this.#underWay.delete(call)
    }
  }
}

function isRefusedData(error: unknown): boolean {
  return error instanceof StoreError && isDataError(error.cause)
}
