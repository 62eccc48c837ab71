import { StoreError } from '../store/store.ts'
import type { Store } from '../store/store.ts'

/** What `/readyz` answers: whether webhooks can be taken, and each check by name. */
export interface Readiness {
  ready: boolean
  checks: Record<'store' | 'process', 'ok' | 'failing' | 'stopping'>
  /** Why the store fails, where it does. Names no host, user or value. */
  reason?: string
}

export interface Health {
  readiness(): Promise<Readiness>
  /** From now on the process is not ready, whatever the store says. */
  beginStop(): void
  readonly stopping: boolean
}

/** A probe writes to the disk, and anyone may call it, so one result serves everybody for this long. */
const REUSE_MS = 1000
const CHECK_TIMEOUT_MS = 5000

export function createHealth(store: Store): Health {
  let stopping = false
  let checking: Promise<string | null> | null = null
  let latest: { at: number; problem: Promise<string | null> } | null = null

  function storeProblem(): Promise<string | null> {
    const now = performance.now()
    if (latest === null || now - latest.at > REUSE_MS) latest = { at: now, problem: inTime(check()) }
    return latest.problem
  }

  /** Why a change cannot be put on disk, `null` if it can. While one check hangs, no other is begun. */
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

async function inTime(problem: Promise<string | null>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, 'the store has not answered for too long')
  })
  const first = await Promise.race([problem, tooLate])
  clearTimeout(timer)
  return first
}
