import type { Store } from '../store/store.ts'

/** What `/readyz` answers: whether webhooks can be taken, and each check by name. */
export interface Readiness {
  ready: boolean
  checks: Record<'store' | 'process', 'ok' | 'failing' | 'stopping'>
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
  let latest: { at: number; healthy: Promise<boolean> } | null = null

  function storeHealthy(): Promise<boolean> {
    const now = performance.now()
    if (latest === null || now - latest.at > REUSE_MS) latest = { at: now, healthy: checkInTime(store) }
    return latest.healthy
  }

  return {
    get stopping() {
      return stopping
    },
    beginStop() {
      stopping = true
    },
    async readiness() {
      const healthy = await storeHealthy()
      return {
        ready: healthy && !stopping,
        checks: { store: healthy ? 'ok' : 'failing', process: stopping ? 'stopping' : 'ok' },
      }
    },
  }
}

async function checkInTime(store: Store): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, false)
  })
  const checked = store.check().then(
    () => true,
    () => false,
  )
  const healthy = await Promise.race([checked, tooLate])
  clearTimeout(timer)
  return healthy
}
