import { maskPins } from '../../events/mask.ts'
import type { DeliveryState, EventSummary, StoredEvent } from '../../store/listings.ts'
import type { DeliveryHistory, PastAttempt } from '../../store/reader.ts'
import type { Delivery as DeliveryShape, EventSummary as EventShape } from './shapes/event.ts'
import { timeOrNull, timeText } from './times.ts'

type DeliveryStateShape = EventShape['deliveries'][number]
type EventFields = Omit<EventShape, 'deliveries'>
type AttemptShape = DeliveryShape['records'][number]

export function eventView(event: EventSummary): EventShape {
  return { ...eventFields(event), deliveries: event.deliveries.map(deliveryStateView) }
}

export function eventFields(event: Omit<EventSummary, 'deliveries'>): EventFields {
  return {
    event_id: event.eventId,
    webhook_id: event.webhookId,
    message_id: event.messageId,
    event_type: event.eventType,
    workspace_id: event.workspaceId,
    credential_id: event.credentialId,
    system_id: event.systemId,
    account_id: event.accountId,
    occurred_at: event.occurredAt,
    accepted_at: timeText(event.acceptedAt),
    is_sample: event.isSample,
    source: event.source,
    duplicates: event.duplicates,
  }
}

export function deliveryStateView(delivery: DeliveryState): DeliveryStateShape {
  return {
    hook: delivery.hook,
    state: delivery.state,
    attempts: delivery.attempts,
    settled_at: timeOrNull(delivery.settledAt),
    due_at: timeOrNull(delivery.dueAt),
    code: delivery.code,
  }
}

export function deliveryView(
  delivery: DeliveryState & DeliveryHistory,
  event: Pick<StoredEvent, 'acceptedAt' | 'eventType'>,
): DeliveryShape {
  const firstAt = firstDeliveredAt(delivery)
  return {
    ...deliveryStateView(delivery),
    failures: delivery.failures,
    failing_since: timeOrNull(delivery.failingSince),
    replays: delivery.replays,
    delivered_after_ms:
      delivery.state === 'delivered' && firstAt !== null ? firstAt - event.acceptedAt : null,
    records: delivery.records.map((record) => attemptView(record, event.eventType)),
  }
}

/** When the hook first had it: a replay sends it again, and does not change that. `null`: it has not got it. */
export function firstDeliveredAt({
  records,
  state,
  settledAt,
}: DeliveryState & DeliveryHistory): number | null {
  const success = records.find(({ status }) => status !== null && status >= 200 && status < 300)
  if (success !== undefined) return Math.round(success.startedAt + success.durationMs)
  return state === 'delivered' ? settledAt : null
}

/** A hook's answer may repeat what it was sent, so its PINs are masked, too. */
function attemptView(record: PastAttempt, eventType: string): AttemptShape {
  const { answer } = record
  return {
    attempt: record.attempt,
    started_at: timeText(record.startedAt),
    duration_ms: Math.round(record.durationMs),
    status: record.status,
    code: record.errorCode,
    answer: answer === null ? null : maskPins(new TextDecoder().decode(answer), eventType).text,
  }
}
