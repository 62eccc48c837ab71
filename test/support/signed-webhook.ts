import { createHmac, randomBytes } from 'node:crypto'

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

/** A request as Seam's sender makes it, signed with the secret on the body's bytes, whatever they are. */
export function signedWebhook(
  secret: string,
  body: string | Buffer,
  { messageId = newMessageId(), at = new Date() }: { messageId?: string; at?: Date } = {},
): SignedWebhook {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const hmac = createHmac('sha256', key).update(`${messageId}.${timestamp}.`).update(body)
  return {
    headers: {
      'content-type': 'application/json',
      'svix-id': messageId,
      'svix-timestamp': timestamp,
      'svix-signature': `v1,${hmac.digest('base64')}`,
    },
    body,
  }
}
