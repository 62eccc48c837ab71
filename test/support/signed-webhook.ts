import { randomBytes } from 'node:crypto'
import { Webhook } from 'svix'

export function newSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`
}

export function newMessageId(): string {
  return `msg_${randomBytes(12).toString('hex')}`
}

export interface SignedWebhook {
  headers: Record<string, string>
  body: string | Buffer
}

/** A request as Seam's sender makes it, signed with the secret. */
export function signedWebhook(
  secret: string,
  body: string | Buffer,
  { messageId = newMessageId(), at = new Date() }: { messageId?: string; at?: Date } = {},
): SignedWebhook {
  return {
    headers: {
      'content-type': 'application/json',
      'svix-id': messageId,
      'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
      'svix-signature': new Webhook(secret).sign(messageId, at, body),
    },
    body,
  }
}
