import { randomBytes } from 'node:crypto'
import { Webhook } from 'svix'
import { SAMPLE_EVENT_ID } from '../events/event.ts'

/** A webhook as Seam's sender makes it. */
export interface SeamWebhook {
  headers: Record<string, string>
  body: string
  messageId: string
}

export interface SampleOptions {
  /** The whole event type, such as `acs_credential.issued`. */
  eventType: string
  /** Leaves out a field that the schema wants. */
  misfit: boolean
  /** Milliseconds since 1970. */
  now: number
}

/**
 * The body of a sample: what Seam's console sends for a test, with ids of all zeros. The relay marks it as a sample and
 * takes it in however often it comes, and a receiver can tell it from an event about a real door.
 */
export function sampleBody({ eventType, misfit, now }: SampleOptions): string {
  const at = new Date(now).toISOString()
  const isCredential = eventType.startsWith('acs_credential.')
  const about = { acs_system_id: SAMPLE_EVENT_ID, acs_credential_id: SAMPLE_EVENT_ID }
  return JSON.stringify({
    event_id: SAMPLE_EVENT_ID,
    event_type: eventType,
    workspace_id: misfit && !isCredential ? undefined : SAMPLE_EVENT_ID,
    created_at: at,
    occurred_at: at,
    ...(isCredential ? { ...about, connected_account_id: SAMPLE_EVENT_ID } : {}),
    ...(isCredential && misfit ? { acs_credential_id: undefined } : {}),
  })
}

/** Signs a body with a message id of its own. `now`: milliseconds since 1970. */
export function signAsSeam(secret: string, body: string, now: number): SeamWebhook {
  const messageId = `msg_${randomBytes(21).toString('base64url')}`
  const at = new Date(now)
  return {
    messageId,
    body,
    headers: {
      'content-type': 'application/json',
      'svix-id': messageId,
      'svix-timestamp': String(Math.floor(now / 1000)),
      'svix-signature': new Webhook(secret).sign(messageId, at, body),
    },
  }
}

/** A secret of the form that Seam gives out, and that no relay knows. */
export function strangerSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`
}
