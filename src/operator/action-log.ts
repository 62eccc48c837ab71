import type { FastifyRequest } from 'fastify'
import type { Logger } from '../observability/logger.ts'
import type { Records } from '../store/records.ts'

/** What people do here, by the names that the action log keeps. */
export type ActionName =
  | 'replay'
  | 'cancel_replay'
  | 'discard'
  | 'dismiss'
  | 'pause_hook'
  | 'resume_hook'
  | 'test_hook'
  | 'judge_again'
  | 'drop_quarantined'
  | 'reveal'
  | 'reconcile'

export interface ActionLog {
  /** Writes down what is about to be shown. Rejects where it cannot be written: then nothing is shown. */
  before(request: FastifyRequest, action: ActionName, target: string): Promise<void>
  /** Writes down what was done. Never rejects: it is done, and an error would say that it is not. */
  after(request: FastifyRequest, action: ActionName, target: string, about?: object): Promise<void>
}

export function createActionLog(store: Pick<Records, 'recordAction'>, log: Logger): ActionLog {
  async function write(request: FastifyRequest, action: ActionName, target: string, about: object) {
    // A call without a caller never gets here.
    const actor = request.caller?.actor ?? 'loopback'
    await store.recordAction({ actor, action, target, about: { ...about } })
    log.info({ actor, action, target }, 'a person acted')
  }

  return {
    before: (request, action, target) => write(request, action, target, {}),
    async after(request, action, target, about = {}) {
      try {
        await write(request, action, target, about)
      } catch (error) {
        log.error(
          { err: error, actor: request.caller?.actor, action, target },
          'an action was done and not recorded',
        )
      }
    },
  }
}
