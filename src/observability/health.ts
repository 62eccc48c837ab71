import { StoreError } from '../store/store.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Deadline } from '../time/deadline.ts'

/** The answer of `/readyz`: whether webhooks can be taken, and each check by name. */
export interface Readiness {
  ready: boolean
  checks: { store: 'starting' | 'ok' | 'failing'; process: 'ok' | 'stopping' }
  /** Why the store fails or is not open yet, if so. It names no host, user or value. */
  reason?: string
}

export interface Health {
  readiness(): Promise<Readiness>
  /** A webhook could not be stored. If the store fails, the process is not ready until a later check has succeeded. */
  acceptanceFailed(error: StoreError): void
  /** The store is not open yet, for this reason. */
  opening(reason: string): void
  /** From now on webhooks can be taken, if the store can. */
  opened(store: Pick<Store, 'check'>): void
  /** From now on the process is not ready, whatever the store says. */
  beginStop(): void
  /** Webhooks are taken while it is `running`. */
  readonly stage: 'starting' | 'running' | 'stopping'
}

/** A check writes to the disk, and anyone may ask for one, so its result serves everybody for this long. */
const REUSE_MS = 1000
const CHECK_TIMEOUT_MS = 5000

export function createHealth(clock: Clock): Health {
  let store: Pick<Store, 'check'> | null = null
  let openingReason = 'the store is being opened'
  let stopping = false
  let checking: Promise<string | null> | null = null
  let latest: { at: number; problem: Promise<string | null> } | null = null

  function storeProblem(open: Pick<Store, 'check'>): Promise<string | null> {
    const now = clock.steadyMs()
    if (latest === null || now - latest.at > REUSE_MS)
      latest = { at: now, problem: inTime(check(open), clock) }
    return latest.problem
  }

  /** Why a change cannot be put on disk; `null` if it can. While one check hangs, no other one begins. */
  function check(open: Pick<Store, 'check'>): Promise<string | null> {
    checking ??= open
      .check()
      .then(
        () => null,
        (error: unknown) => (error instanceof StoreError ? error.message : 'the store fails'),
      )
      .finally(() => (checking = null))
    return checking
  }

  return {
    get stage() {
      if (stopping) return 'stopping'
      return store === null ? 'starting' : 'running'
    },
    opening(reason) {
      openingReason = reason
    },
    opened(open) {
      store = open
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
      const process = stopping ? 'stopping' : 'ok'
      if (store === null) {
        return { ready: false, checks: { store: 'starting', process }, reason: openingReason }
      }
      const problem = await storeProblem(store)
      return {
        ready: problem === null && !stopping,
        checks: { store: problem === null ? 'ok' : 'failing', process },
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
