import type { HookPause, Records } from '../store/records.ts'

export interface PausesOptions {
  store: Pick<Records, 'pauseHook' | 'resumeHook'>
  delivery: { pausesChanged(): Promise<void> }
}

/** Stops a hook and lets it go on, on a person's word: for every replica and across restarts, and at once in this process. */
export interface Pauses {
  /** Paused already: the first pause stays. Answers the pause that is in force. */
  pauseHook(pause: Omit<HookPause, 'pausedAt'>): Promise<HookPause>
  /** `false`: it was not paused. */
  resumeHook(hook: string): Promise<boolean>
}

export function createPauses({ store, delivery }: PausesOptions): Pauses {
  return {
    async pauseHook(pause) {
      const inForce = await store.pauseHook(pause)
      await delivery.pausesChanged()
      return inForce
    },
    async resumeHook(hook) {
      const wasPaused = await store.resumeHook(hook)
      await delivery.pausesChanged()
      return wasPaused
    },
  }
}
