import { randomBytes, randomUUID } from 'node:crypto'
import { Webhook } from 'svix'

/** One webhook for the relay, and what is expected to become of it. */
export interface Scene {
  title: string
  headers: Record<string, string>
  body: string
  /** The status and the word for it, such as `202 accepted`. */
  expectedAnswer: string
  isDelivered: boolean
  /** It repeats the body of an earlier scene. */
  isResend: boolean
}

/**
 * The life of a credential, with a resend, a forgery and a body that fits no schema in between.
 *
 * The last scene is delivered. The hook receives one request at a time, the oldest first, so once the last one has
 * arrived, a wrong delivery of an earlier scene would have arrived as well. So the table needs no waiting time.
 */
export function scenes(secret: string, now: Date): Scene[] {
  const event = credentialEvents(now)
  const issued = event('issued')
  const issuedId = messageId()
  const forged = event('issued')
  const misfit = event('issued', { acs_credential_id: undefined })

  const delivered = (body: string, id = messageId()) => ({
    headers: signed(secret, id, now, body),
    body,
    expectedAnswer: '202 accepted',
    isDelivered: true,
    isResend: false,
  })
  const notDelivered = { isDelivered: false, isResend: false }
  return [
    { title: 'acs_credential.issued', ...delivered(issued, issuedId) },
    {
      title: 'the same webhook, sent again',
      headers: signed(secret, issuedId, now, issued),
      body: issued,
      expectedAnswer: '200 duplicate',
      isDelivered: false,
      isResend: true,
    },
    { title: 'acs_credential.reissued', ...delivered(event('reissued')) },
    {
      title: 'acs_credential.issued, signed with a wrong secret',
      headers: signed(newSecret(), messageId(), now, forged),
      body: forged,
      expectedAnswer: '401 signature_mismatch',
      ...notDelivered,
    },
    {
      title: 'acs_credential.issued, without acs_credential_id',
      headers: signed(secret, messageId(), now, misfit),
      body: misfit,
      expectedAnswer: '202 quarantined',
      ...notDelivered,
    },
    { title: 'acs_credential.invalidated', ...delivered(event('invalidated')) },
    { title: 'acs_credential.deleted', ...delivered(event('deleted')) },
  ]
}

/** A signing secret of the form that Seam gives out. */
export function newSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`
}

/** A webhook with this body, signed as Seam signs it. */
export function signedWebhook(
  secret: string,
  now: Date,
  body: string,
): { headers: Record<string, string>; body: string } {
  return { headers: signed(secret, messageId(), now, body), body }
}

/** Gives a function that makes the bodies of events about one credential, each with an event id of its own. */
export function credentialEvents(now: Date): (kind: string, changes?: object) => string {
  const shared = {
    workspace_id: randomUUID(),
    acs_system_id: randomUUID(),
    acs_credential_id: randomUUID(),
    connected_account_id: randomUUID(),
    created_at: now.toISOString(),
    occurred_at: now.toISOString(),
  }
  return (kind, changes = {}) =>
    JSON.stringify({
      event_id: randomUUID(),
      event_type: `acs_credential.${kind}`,
      ...shared,
      ...changes,
    })
}

function messageId(): string {
  return `msg_${randomBytes(21).toString('base64url')}`
}

/** The headers that Seam's sender puts on a webhook. */
function signed(secret: string, id: string, at: Date, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'svix-id': id,
    'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
    'svix-signature': new Webhook(secret).sign(id, at, body),
  }
}
