import { isUtf8 } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Webhook } from 'svix'
import { signingKey } from '../config/secret.ts'
import { timestampInRange } from './signature-headers.ts'
import type { SignatureHeaders } from './signature-headers.ts'

/** Whether a body was signed by a holder of one of the secrets. Never throws. */
export type VerifySignature = (body: Buffer, headers: SignatureHeaders) => boolean

export function createVerifier(secrets: readonly string[]): VerifySignature {
  const verifiers = secrets.map((secret) => ({ webhook: new Webhook(secret), key: signingKey(secret) }))
  return (body, headers) => verifiers.some(({ webhook, key }) => isSigned(webhook, key, body, headers))
}

function isSigned(webhook: Webhook, key: KeyObject, body: Buffer, headers: SignatureHeaders): boolean {
  try {
    webhook.verify(body, {
      'webhook-id': headers.messageId,
      'webhook-timestamp': headers.timestamp,
      'webhook-signature': headers.signature,
    })
    return true
  } catch {
    // It decodes the body before hashing, so a body that is not UTF-8 does not match a signature of its bytes.
    return !isUtf8(body) && timestampInRange(headers.timestamp, Date.now()) && signsBytes(key, body, headers)
  }
}

function signsBytes(
  key: KeyObject,
  body: Buffer,
  { messageId, timestamp, signature }: SignatureHeaders,
): boolean {
  const expected = createHmac('sha256', key).update(`${messageId}.${timestamp}.`).update(body).digest()
  return signature.split(' ').some((one) => {
    const given = one.startsWith('v1,') ? Buffer.from(one.slice(3), 'base64') : Buffer.alloc(0)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}
