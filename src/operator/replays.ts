import { randomUUID } from 'node:crypto'
import type { Hook } from '../config/hook.ts'
import type { AcceptedSpan, ReplayFilter, ReplayJob, ReplayScope, ReplayWalk } from '../store/replay-jobs.ts'
import type { Store } from '../store/store.ts'
import type { Reader } from '../store/reader.ts'
import type { Clock } from '../time/clock.ts'

export interface ReplaysOptions {
  store: Pick<Store, 'createReplay' | 'endReplay' | 'discard' | 'dismiss'>
  reader: Pick<Reader, 'countReplay' | 'findReplay' | 'listReplays'>
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  clock: Clock
  log: { info(about: object, message: string): void }
  /** Called when a replay was begun. */
  onBegun: () => void
}

/** Sends events again, and gives up what nobody will fetch any more, on a person's word. */
export interface Replays {
  /** How many deliveries match. Without `states` it counts the dead ones. */
  countReplay(filter: ReplayFilter): Promise<number>
  /** Begins to put every delivery that matches back to pending, in steps in the background. */
  replay(filter: ReplayFilter, pace?: Pace): Promise<BegunReplay>
  /**
   * How many deliveries a hook lacks because the events were accepted before the hook was configured.
   * @returns `null` if no hook has this name
   */
  countMissing(hookName: string, span: AcceptedSpan): Promise<number | null>
  /**
   * Begins to make those deliveries, in steps in the background.
   * @returns `null` if no hook has this name
   */
  replayMissing(hookName: string, span: AcceptedSpan, pace?: Pace): Promise<BegunReplay | null>
  findReplay(id: string): Promise<ReplayJob | null>
  /** The newest first, at most so many. */
  listReplays(limit: number): Promise<ReplayJob[]>
  /** What it has put back stays so. Of one that has ended, it changes nothing. */
  cancelReplay(id: string): Promise<ReplayJob | null>
  /**
   * Gives up what a hook that is no longer configured has pending, and its dead letters, in steps; done when it answers. After a
   * restart in the middle, ask again.
   */
  discard(hookName: string): Promise<Discarded>
  /**
   * Gives up a hook's dead letters, or those with this code (`null`: with none): nobody means to replay them. In steps; done when it answers.
   * @returns how many
   */
  dismiss(hookName: string, code?: string | null): Promise<number>
}

export interface Pace {
  /** At most so many deliveries are put back in a second. */
  perSecond?: number
}

export interface BegunReplay {
  id: string
  wouldReplay: number
}

export type Discarded = { outcome: 'discarded'; discarded: number } | { outcome: 'still_configured' }

/** A step of counting only reads. */
const COUNT_ROWS = 500
const DISCARD_ROWS = 100
/** Between two steps, so that they take only a share of the store's time. */
const COUNT_PAUSE_MS = 2
const DISCARD_PAUSE_MS = 20

export function createReplays({ store, reader, hooks, clock, log, onBegun }: ReplaysOptions): Replays {
  return {
    countReplay: count,
    replay: begin,
    async countMissing(hookName, span) {
      const scope = missingOf(hookName, span)
      return scope === null ? null : count(scope)
    },
    async replayMissing(hookName, span, pace) {
      const scope = missingOf(hookName, span)
      return scope === null ? null : begin(scope, pace)
    },
    findReplay: (id) => reader.findReplay(id),
    listReplays: (limit) => reader.listReplays(limit),
    async cancelReplay(id) {
      const job = await store.endReplay({ id, state: 'cancelled' })
      if (job?.state === 'cancelled') {
        log.info({ replay: id, replayed: job.replayed, would_replay: job.wouldReplay }, 'replay cancelled')
      }
      return job
    },
    async discard(hookName) {
      if (isConfigured(hookName)) return { outcome: 'still_configured' }
      let discarded = 0
      for (let step = DISCARD_ROWS; step === DISCARD_ROWS;) {
        // A reload may have brought the hook back meanwhile.
        if (isConfigured(hookName)) break
        step = (await store.discard({ hook: hookName, limit: DISCARD_ROWS })).discarded
        discarded += step
        if (step === DISCARD_ROWS) await pause(DISCARD_PAUSE_MS)
      }
      discarded += await dismiss(hookName)
      log.info({ hook: hookName, discarded }, 'deliveries of a removed hook discarded')
      return { outcome: 'discarded', discarded }
    },
    async dismiss(hook, code) {
      const dismissed = await dismiss(hook, code)
      log.info({ hook, code, dismissed }, 'dead letters put aside')
      return dismissed
    },
  }

  async function dismiss(hook: string, code?: string | null): Promise<number> {
    let dismissed = 0
    for (let after: number | null | undefined; after !== null;) {
      const from: { after?: number; code?: string | null } = {
        ...(after === undefined ? {} : { after }),
        ...(code === undefined ? {} : { code }),
      }
      const step = await store.dismiss({ hook, limit: DISCARD_ROWS, ...from })
      dismissed += step.dismissed
      after = step.next
      if (after !== null) await pause(DISCARD_PAUSE_MS)
    }
    return dismissed
  }

  async function begin(scope: ReplayScope, { perSecond }: Pace = {}): Promise<BegunReplay> {
    const wouldReplay = await count(scope)
    const id = randomUUID()
    await store.createReplay({ id, scope, perSecond: perSecond ?? null, wouldReplay })
    onBegun()
    return { id, wouldReplay }
  }

  async function count(scope: ReplayScope): Promise<number> {
    let total = 0
    for (let walk: ReplayWalk | null | undefined; walk !== null;) {
      const after: { after?: ReplayWalk } = walk === undefined ? {} : { after: walk }
      const step = await reader.countReplay({ scope, limit: COUNT_ROWS, ...after })
      total += step.count
      walk = step.next
      if (walk !== null) await pause(COUNT_PAUSE_MS)
    }
    return total
  }

  function missingOf(hookName: string, span: AcceptedSpan): ReplayScope | null {
    const hook = hooks().find(({ name }) => name === hookName)
    if (hook === undefined) return null
    const { events, workspaces, systems, accounts } = hook
    const missing = {
      events,
      workspaces: lowerCase(workspaces),
      systems: lowerCase(systems),
      accounts: lowerCase(accounts),
    }
    return { ...span, hook: hookName, missing }
  }

  function isConfigured(hookName: string): boolean {
    return hooks().some(({ name }) => name === hookName)
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => clock.after(delayMs, resolve))
  }
}

/** As the store has them. */
function lowerCase(ids: readonly string[] | undefined): string[] | null {
  return ids?.map((id) => id.toLowerCase()) ?? null
}
