import type { ReplayJob, ReplayStep } from '../store/replay-jobs.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Loop } from '../time/loop.ts'

export interface ReplayRunnerOptions {
  store: Pick<Store, 'runningReplay' | 'stepReplay' | 'endReplay'>
  /** The names of the hooks that take the events of a credential in order, as they are at the moment. */
  orderedHooks: () => readonly string[]
  clock: Clock
  log: { info(about: object, message: string): void; error(about: object, message: string): void }
  /** Called when deliveries have become due. */
  onDue: () => void
}

/** A step of so many takes a few milliseconds of the store's time, and acceptance waits for no more than one. */
const STEP_ROWS = 50
const STEP_PAUSE_MS = 20
/** How soon a replay is found that another replica began, or that one left behind. */
const LOOK_EVERY_MS = 5000
const RETRY_MS = 5000
/** Of one replay one after the other, while the store can write that the replay failed. */
const MAX_FAILURES = 10

/**
 * Does the replays that the store has, one after the other, in small steps. All that it needs to go on stands in the store,
 * so a replay goes on after a restart, and any replica can take the next step.
 */
export class ReplayRunner {
  readonly #options: ReplayRunnerOptions
  readonly #loop: Loop
  /** Steps that failed one after the other, all of the same replay. */
  #failures = 0

  constructor(options: ReplayRunnerOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start()
  }

  /** A replay was begun. */
  wake(): void {
    this.#loop.wake()
  }

  /** Lets the step that is running end; the replay goes on at the next start. May be called twice. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #step(): Promise<number> {
    let job: ReplayJob | null = null
    try {
      job = await this.#options.store.runningReplay()
      if (job === null) return LOOK_EVERY_MS
      const step = await this.#options.store.stepReplay({
        id: job.id,
        limit: STEP_ROWS,
        pauseMs: STEP_PAUSE_MS,
        orderedHooks: this.#options.orderedHooks(),
      })
      this.#failures = 0
      this.#tell(job, step)
      // An ended replay may have another behind it.
      return step.nextStepInMs ?? 0
    } catch (error) {
      await this.#failed(job, error as Error)
      return RETRY_MS
    }
  }

  #tell(job: ReplayJob, step: ReplayStep): void {
    const { log, onDue } = this.#options
    const about = { replay: job.id, hook: job.scope.hook, would_replay: job.wouldReplay }
    if (step.isFirst) log.info(about, 'replay began')
    if (step.changesDue) onDue()
    if (step.isLast) log.info({ ...about, replayed: job.replayed + step.replayed }, 'replay finished')
  }

  async #failed(job: ReplayJob | null, error: Error): Promise<void> {
    const { store, log } = this.#options
    this.#failures++
    const about = { err: error, replay: job?.id, replayed: job?.replayed }
    if (job === null || this.#failures < MAX_FAILURES) {
      if (!this.#loop.signal.aborted) log.error(about, 'replay step failed, trying again')
      return
    }
    try {
      await store.endReplay({ id: job.id, state: 'failed', error: error.message })
      this.#failures = 0
      log.error(about, 'replay failed')
    } catch {
      // The store cannot be written: the replay stays as it is, and goes on when it can.
    }
  }
}
