import type { Hook } from '../config/hook.ts'
import { dedupKey } from '../events/dedup-key.ts'
import { judge } from '../events/judge.ts'
import type { BodyProblem, JudgedEvent } from '../events/judge.ts'
import { matchesAny } from '../events/event-pattern.ts'
import type { Logger } from '../observability/logger.ts'
import type { Recording } from '../observability/recorder.ts'
import type { Clock } from '../time/clock.ts'
import type { AcceptRequest, AcceptResult, EventSource, NewDelivery, Store } from '../store/store.ts'

/** What became of a verified body. All of them mean that the sender is done with it. */
export type Receipt =
  | { status: 'accepted'; event_id: string }
  | { status: 'duplicate'; event_id: string }
  | { status: 'quarantined'; id: string; problems: readonly BodyProblem[]; conflict: boolean }
  | { status: 'ignored' }

/** Takes verified bytes in. Rejects with a `StoreError` if they could not be put on disk. */
/** @param judgedId the quarantined body that a person has judged again: that it stays is not announced a second time */
export type Receive = (
  bytes: Buffer,
  messageId: string,
  source?: EventSource,
  judgedId?: string,
) => Promise<Receipt>

export interface ReceiveOptions {
  store: Store
  /** The hooks as they are now: they can change while the process runs. */
  hooks: () => readonly Hook[]
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
  log: Logger
  /** Called for each event that is about to be accepted. */
  reserve: Reserve
  /** Called for each body that was set aside, once that is on disk. Never throws. */
  onQuarantined: (reason: 'misfit' | 'conflict', quarantineId: string) => void
  recorder: Pick<Recording, 'happened'>
  clock: Pick<Clock, 'wallMs'>
}

/** Reserves room for an event with the hooks that want it. Never throws. */
export type Reserve = (
  hooks: readonly string[],
  event: { webhookId: string; eventType: string; body: string },
) => Reservation

/** What delivery prepared for one event. One of the two methods must be called, once; neither throws. */
export interface Reservation {
  /** What the store is to make: one delivery for each hook, leased where delivery has room for it. */
  readonly deliveries: readonly NewDelivery[]
  /** The event is on disk, under this number. */
  accepted(eventSeq: number): void
  /** It is a duplicate or a conflict, or could not be stored. */
  released(): void
}

/** The one door into the store: verified bytes are judged, matched with hooks, and stored. */
export function createReceive(options: ReceiveOptions): Receive {
  const { store, hooks, acceptEventTypes, log, reserve, onQuarantined, recorder, clock } = options

  return async (bytes, messageId, source = 'webhook', judgedId) => {
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
        quarantined('misfit', quarantineId, null)
        return { status: 'quarantined', id: quarantineId, problems, conflict: false }
      }
      case 'event':
        return acceptEvent(judgement.event, messageId, source, judgedId)
    }
  }

  function quarantined(reason: 'misfit' | 'conflict', id: string, eventType: string | null): void {
    onQuarantined(reason, id)
    recorder.happened({ kind: 'quarantined', id, eventType, hook: null, code: reason })
  }

  /** The reservation is ended whatever the store does. */
  async function acceptReserved(request: AcceptRequest, reservation: Reservation): Promise<AcceptResult> {
    let result: AcceptResult | null = null
    try {
      result = await store.accept(request)
      return result
    } finally {
      if (result?.outcome === 'accepted') reservation.accepted(result.eventSeq)
      else reservation.released()
    }
  }

  async function acceptEvent(
    event: JudgedEvent,
    messageId: string,
    source: EventSource,
    judgedId: string | undefined,
  ): Promise<Receipt> {
    const { eventId, eventType, body } = event
    const webhookId = event.isSample ? messageId : eventId
    const about = { event_id: eventId, event_type: eventType, message_id: messageId }
    const key = dedupKey(event, messageId)
    const wanting = hooksFor(event, hooks())
    const tooOld = source === 'reconciliation' ? tooOldFor(wanting, event.createdAt, clock.wallMs()) : []
    const inTime = wanting.filter((hook) => !tooOld.includes(hook)).map(({ name }) => name)
    // Last of all that could fail: a reservation must be ended, whatever happens.
    const reservation = reserve(inTime, { webhookId, eventType, body })
    const deliveries = [
      ...reservation.deliveries,
      ...tooOld.map(({ name }) => ({ hook: name, isTooOld: true })),
    ]
    const result = await acceptReserved(
      { dedupKey: key, webhookId, messageId, source, event, deliveries },
      reservation,
    )
    switch (result.outcome) {
      case 'accepted':
        log.info({ ...about, deliveries: deliveries.length }, 'accepted')
        recorder.happened({ kind: 'accepted', id: webhookId, eventType, hook: null, code: null })
        return { status: 'accepted', event_id: eventId }
      case 'duplicate':
        log.info(about, 'duplicate')
        return { status: 'duplicate', event_id: eventId }
      case 'conflict': {
        const { quarantineId, problems } = result
        if (quarantineId !== judgedId) {
          log.warn({ ...about, quarantine_id: quarantineId, problems }, 'quarantined')
          quarantined('conflict', quarantineId, eventType)
        }
        return { status: 'quarantined', id: quarantineId, problems, conflict: true }
      }
    }
  }
}

/** The hooks that want the event: its type, and what it belongs to. */
function hooksFor(event: JudgedEvent, hooks: readonly Hook[]): Hook[] {
  return hooks
    .filter((hook) => matchesAny(hook.events, event.eventType))
    .filter((hook) => isAmong(hook.workspaces, event.workspaceId))
    .filter((hook) => isAmong(hook.systems, event.systemId))
    .filter((hook) => isAmong(hook.accounts, event.accountId))
}

/** The hooks that would have given it up by now. What was found late waits there for a person, and old history floods nobody. */
function tooOldFor(hooks: readonly Hook[], createdAt: string, nowMs: number): Hook[] {
  const ageMs = nowMs - Date.parse(createdAt)
  return hooks.filter(({ retry }) => ageMs > retry.giveUpAfterMs)
}

/** Without a list, everything is wanted. With one, what an event does not name is not on it. */
function isAmong(ids: readonly string[] | undefined, id: string | null): boolean {
  return ids === undefined || (id !== null && ids.some((one) => one.toLowerCase() === id.toLowerCase()))
}
