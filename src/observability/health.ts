import { StoreError } from '../store/store.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Deadline } from '../time/deadline.ts'

/** The answer of `/readyz`: whether webhooks can be taken, and each check by name. */
export interface Readiness {
  ready: boolean
  checks: Record<'store' | 'process', 'ok' | 'failing' | 'stopping'>
  /** Why the store fails, if it does. It names no host, user or value. */
  reason?: string
}

export interface Health {
  readiness(): Promise<Readiness>
  /** A webhook could not be stored. If the store fails, the process is not ready until a later check has succeeded. */
  acceptanceFailed(error: StoreError): void
  /** From now on the process is not ready, whatever the store says. */
  beginStop(): void
  readonly stopping: boolean
}

export interface HealthOptions {
  store: Pick<Store, 'check'>
  clock: Clock
}

/** A check writes to the disk, and anyone may ask for one, so its result serves everybody for this long. */
const REUSE_MS = 1000
const CHECK_TIMEOUT_MS = 5000

export function createHealth({ store, clock }: HealthOptions): Health {
  let stopping = false
  let checking: Promise<string | null> | null = null
  let latest: { at: number; problem: Promise<string | null> } | null = null

  function storeProblem(): Promise<string | null> {
    const now = clock.steadyMs()
    if (latest === null || now - latest.at > REUSE_MS) latest = { at: now, problem: inTime(check(), clock) }
    return latest.problem
  }

  /** Why a change cannot be put on disk; `null` if it can. While one check hangs, no other one begins. */
  function check(): Promise<string | null> {
    checking ??= store
      .check()
      .then(
        () => null,
        (error: unknown) => (error instanceof StoreError ? error.message : 'the store fails'),
      )
      .finally(() => (checking = null))
    return checking
  }

  return {
    get stopping() {
      return stopping
    },
    beginStop() {
      stopping = true
    },
    acceptanceFailed(error) {
      // An overloaded store may be well in a moment, and one that hangs fails its checks as well.
      if (error.code !== 'store_failing') return
      latest = { at: clock.steadyMs(), problem: Promise.resolve(error.message) }
    },
    async readiness() {
      const problem = await storeProblem()
      return {
        ready: problem === null && !stopping,
        checks: { store: problem === null ? 'ok' : 'failing', process: stopping ? 'stopping' : 'ok' },
        ...(problem === null ? {} : { reason: problem }),
      }
    },
  }
}

function inTime(problem: Promise<string | null>, clock: Clock): Promise<string | null> {
  return new Promise((resolve) => {
    const deadline = new Deadline(clock, CHECK_TIMEOUT_MS, () => resolve('the store does not answer'))
    void problem.then((found) => {
      deadline.close()
      resolve(found)
    })
  })
}
