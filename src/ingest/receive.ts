import type { Hook } from '../config/hook.ts'
import { judge } from '../events/judge.ts'
import type { BodyProblem, JudgedEvent } from '../events/judge.ts'
import { matchesAny } from '../events/event-pattern.ts'
import type { Logger } from '../observability/logger.ts'
import type { AcceptRequest, AcceptResult, ClaimedDelivery, NewDelivery, Store } from '../store/store.ts'

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
  /** A place at a hook for a delivery that is about to be accepted; `null` where it has to wait its turn. */
  takePlace: (hook: string) => Place | null
  /** Called for each hook for which a delivery has become due that has no place. */
  onDue: (hook: string) => void
}

export interface Place {
  hook: string
  leaseMs: number
  /** Has to be called once, with the delivery that takes the place or with none. */
  use(delivery: ClaimedDelivery | null): void
}

/** The one door into the store: verified bytes are judged, matched with hooks, and stored. */
export function createReceive(options: ReceiveOptions): Receive {
  const { store, hooks, acceptEventTypes, log, takePlace, onDue } = options

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

  /** Whatever comes of it, each place is used. */
  async function acceptWith(
    request: AcceptRequest,
    places: readonly (Place | null)[],
  ): Promise<AcceptResult> {
    let result: AcceptResult | null = null
    try {
      result = await store.accept(request)
      return result
    } finally {
      const eventSeq = result?.outcome === 'accepted' ? result.eventSeq : null
      for (const place of places) {
        place?.use(eventSeq === null ? null : firstAttempt(request, eventSeq, place.hook))
      }
    }
  }

  async function acceptEvent(event: JudgedEvent, messageId: string): Promise<Receipt> {
    const webhookId = event.isSample ? messageId : event.eventId
    const wanting = hooksFor(event, hooks())
    const places = wanting.map(takePlace)
    const deliveries = wanting.map((hook, index): NewDelivery => {
      const place = places[index]
      return place ? { hook, leaseMs: place.leaseMs } : { hook }
    })
    const result = await acceptWith({ webhookId, messageId, event, deliveries }, places)
    const about = { event_id: event.eventId, event_type: event.eventType, message_id: messageId }
    switch (result.outcome) {
      case 'accepted':
        for (const [index, hook] of wanting.entries()) if (places[index] === null) onDue(hook)
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

/** The hooks that want the event's type and workspace. */
function hooksFor(event: JudgedEvent, hooks: readonly Hook[]): string[] {
  return hooks
    .filter((hook) => matchesAny(hook.events, event.eventType))
    .filter((hook) => hook.workspaces?.includes(event.workspaceId) ?? true)
    .map(({ name }) => name)
}

/** What a claim would give for a delivery that was leased as it was accepted. */
function firstAttempt({ webhookId, event }: AcceptRequest, eventSeq: number, hook: string): ClaimedDelivery {
  const { eventType, body } = event
  return { eventSeq, hook, webhookId, eventType, body, leaseToken: 1, attempt: 1, failures: 0, ageMs: 0 }
}
