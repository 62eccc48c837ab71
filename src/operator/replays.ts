import type { Hook } from '../config/hook.ts'
import type { AcceptedSpan, ReplayFilter, Store } from '../store/store.ts'

export interface ReplaysOptions {
  store: Pick<Store, 'replay' | 'replayMissing'>
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  /** Called when deliveries have become due. */
  onDue: () => void
}

/** Sends events again on a person's word. */
export interface Replays {
  /** Puts every delivery that matches back to pending, in one step. Without `states` it takes the dead ones. */
  replay(filter: ReplayFilter): Promise<{ replayed: number }>
  /**
   * Makes the deliveries that a hook lacks because its events were accepted before the hook was configured.
   * @returns `null` if no hook has this name
   */
  replayMissing(hookName: string, span: AcceptedSpan): Promise<{ replayed: number } | null>
}

export function createReplays({ store, hooks, onDue }: ReplaysOptions): Replays {
  return {
    async replay(filter) {
      const result = await store.replay(filter)
      onDue()
      return result
    },
    async replayMissing(hookName, span) {
      const hook = hooks().find(({ name }) => name === hookName)
      if (hook === undefined) return null
      const { events, workspaces = null } = hook
      const result = await store.replayMissing({ hook: hookName, events, workspaces, ...span })
      onDue()
      return result
    },
  }
}
