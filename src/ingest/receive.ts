import type { Hook } from '../config/hook.ts'
import { judge } from '../events/judge.ts'
import type { BodyProblem, JudgedEvent } from '../events/judge.ts'
import { matchesAny } from '../events/event-pattern.ts'
import type { Logger } from '../observability/logger.ts'
import type { NewDelivery, Store } from '../store/store.ts'

/** What became of a verified body. All of them mean that the sender is done with it. */
export type Receipt =
  | { status: 'accepted'; event_id: string }
  | { status: 'duplicate'; event_id: string }
  | { status: 'quarantined'; id: string; problems: readonly BodyProblem[]; conflict: boolean }
  | { status: 'ignored' }

/** Takes verified bytes in. Rejects with a `StoreError` if they could not be put on disk. */
export type Receive = (bytes: Buffer, messageId: string) => Promise<Receipt>

export interface ReceiveOptions {
  store: Store
  /** The hooks as they are now: they can change while the process runs. */
  hooks: () => readonly Hook[]
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
  log: Logger
  /** Called when deliveries may have become due. */
  onAccepted: () => void
}

/** The one door into the store: verified bytes are judged, matched with hooks, and stored. */
export function createReceive({ store, hooks, acceptEventTypes, log, onAccepted }: ReceiveOptions): Receive {
  return async (bytes, messageId) => {
    const judgement = judge(bytes, acceptEventTypes)
    switch (judgement.kind) {
      case 'ping':
        log.info({ message_id: messageId }, 'ping ignored')
        return { status: 'ignored' }
      case 'outside':
        log.debug({ message_id: messageId, event_type: judgement.eventType }, 'event ignored')
        return { status: 'ignored' }
      case 'misfit': {
        const { problems } = judgement
        const { quarantineId } = await store.quarantine({ messageId, bytes, problems })
        log.warn({ message_id: messageId, quarantine_id: quarantineId, problems }, 'quarantined')
        return { status: 'quarantined', id: quarantineId, problems, conflict: false }
      }
      case 'event':
        return acceptEvent(judgement.event, messageId)
    }
  }

  async function acceptEvent(event: JudgedEvent, messageId: string): Promise<Receipt> {
    const webhookId = event.isSample ? messageId : event.eventId
    const deliveries = deliveriesFor(event, hooks())
    const result = await store.accept({ webhookId, messageId, event, deliveries })
    const about = { event_id: event.eventId, event_type: event.eventType, message_id: messageId }
    switch (result.outcome) {
      case 'accepted':
        if (deliveries.length > 0) onAccepted()
        log.info({ ...about, deliveries: deliveries.length }, 'accepted')
        return { status: 'accepted', event_id: event.eventId }
      case 'duplicate':
        log.info(about, 'duplicate')
        return { status: 'duplicate', event_id: event.eventId }
      case 'conflict': {
        const { quarantineId, problems } = result
        log.warn({ ...about, quarantine_id: quarantineId, problems }, 'quarantined')
        return { status: 'quarantined', id: quarantineId, problems, conflict: true }
      }
    }
  }
}

/** One delivery for each hook that wants the event's type and workspace. */
function deliveriesFor(event: JudgedEvent, hooks: readonly Hook[]): NewDelivery[] {
  return hooks
    .filter((hook) => matchesAny(hook.events, event.eventType))
    .filter((hook) => hook.workspaces?.includes(event.workspaceId) ?? true)
    .map((hook) => ({ hook: hook.name }))
}
