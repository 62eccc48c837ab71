import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'
import { signedWebhook } from '../support/signed-webhook.ts'
import type { SignedWebhook } from '../support/signed-webhook.ts'
import { Chance } from './chance.ts'

/**
 * - `new`: an event that was not sent before
 * - `resend`: one that was, with the same content
 * - `conflict`: the id of one that was, with other content
 * - `sample`: the event id of all zeros
 * - `misfit`: signed, and no event
 * - `ignored`: signed, of a type that is not taken in
 * - `forgery`: signed with another secret, or altered on the way, or not signed
 */
export type MessageKind = 'new' | 'resend' | 'conflict' | 'sample' | 'misfit' | 'ignored' | 'forgery'

/** A webhook of the plan. The sender signs it each time that it sends it. */
export interface Message {
  kind: MessageKind
  /** The `webhook-id` that its deliveries would have; of a misfit, an ignored one or a forgery, one that nothing may have. */
  key: string
  messageId: string
  eventType: string
  credential: string | null
  body: string
}

export const REVOCATIONS = ['acs_credential.deleted', 'acs_credential.invalidated']
const TYPES = ['acs_credential.issued', 'acs_credential.reissued', ...REVOCATIONS]
const WEIGHTS = { new: 66, resend: 10, conflict: 4, sample: 4, misfit: 5, ignored: 3, forgery: 8 }
/** Few, so that events of one credential come close to each other. */
const CREDENTIALS = 16
/** So many of the latest events may be sent again or contradicted. */
const REMEMBERED = 400

/** Webhooks as the seed has them, without end. */
export class Messages {
  readonly #chance: Chance
  readonly #credentials: string[]
  readonly #recent: Message[] = []

  constructor(seed: number) {
    this.#chance = new Chance(seed, 'messages')
    this.#credentials = Array.from({ length: CREDENTIALS }, () => this.#chance.uuid())
  }

  next(): Message {
    const kind = this.#recent.length === 0 ? 'new' : this.#chance.weighted(WEIGHTS)
    const messageId = `msg_${this.#chance.uuid().replaceAll('-', '')}`
    const message = this.#make(kind, messageId)
    if (kind === 'new') {
      this.#recent.push(message)
      if (this.#recent.length > REMEMBERED) this.#recent.shift()
    }
    return message
  }

  #make(kind: MessageKind, messageId: string): Message {
    const event = this.#event()
    const earlier = this.#recent.length === 0 ? null : this.#chance.of(this.#recent)
    const made = { kind, messageId, credential: event.acs_credential_id, eventType: event.event_type }
    switch (kind) {
      case 'new':
      case 'forgery':
        return { ...made, key: event.event_id, body: JSON.stringify(event) }
      case 'resend':
        return { ...(earlier as Message), kind, messageId }
      case 'conflict': {
        const { key, eventType } = earlier as Message
        const body = JSON.stringify({ ...event, event_id: key, event_type: eventType })
        return { ...made, key, eventType, body }
      }
      case 'sample':
        return { ...made, key: messageId, body: JSON.stringify({ ...event, event_id: SAMPLE_EVENT_ID }) }
      case 'misfit': {
        const misfits = [
          JSON.stringify({ ...event, acs_credential_id: undefined }),
          JSON.stringify({ ...event, occurred_at: 'yesterday' }),
          `not JSON: ${event.event_id}`,
        ]
        return { ...made, key: event.event_id, body: this.#chance.of(misfits) }
      }
      case 'ignored':
        return {
          ...made,
          key: event.event_id,
          body: JSON.stringify({ ...event, event_type: 'device.connected' }),
        }
    }
  }

  #event() {
    return {
      event_id: this.#chance.uuid(),
      event_type: this.#chance.of(TYPES),
      workspace_id: 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10',
      created_at: '2026-03-01T10:00:00.000Z',
      occurred_at: '2026-03-01T09:59:59.123456Z',
      acs_system_id: '6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e',
      acs_credential_id: this.#chance.of(this.#credentials),
      connected_account_id: 'c0a8012e-1111-4222-8333-944445555666',
    }
  }
}

/** The request for a message, signed now; a forgery is signed wrongly, in one of three ways. */
export function requestOf(message: Message, secret: string, foreignSecret: string): SignedWebhook {
  const { kind, messageId, body } = message
  if (kind !== 'forgery') return signedWebhook(secret, body, { messageId })
  const how = Number.parseInt(message.key.slice(0, 2), 16) % 3
  if (how === 0) return signedWebhook(foreignSecret, body, { messageId })
  const signed = signedWebhook(secret, body, { messageId })
  if (how === 1) return { ...signed, body: body.replace('"event_id"', '"Event_id"') }
  return { headers: { 'content-type': 'application/json', 'svix-id': messageId }, body }
}
