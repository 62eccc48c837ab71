import { isUtf8 } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Webhook } from 'svix'
import { signingKey } from '../config/secret.ts'
import type { SignatureHeaders } from './signature-headers.ts'

/** Whether a holder of one of the secrets signed exactly these bytes. Never throws. Knows nothing of timestamps' age. */
export type VerifySignature = (body: Buffer, headers: SignatureHeaders) => boolean

/**
 * Two verifiers have to agree.
 *
 * 1. OpenSSL's HMAC over the raw bytes, compared with each signature as text. Only the one canonical spelling of the
 *    32 bytes is equal to it, so unpadded, url-safe or trailing base64 never passes. It costs microseconds, and
 *    it is all that a forged body costs.
 * 2. `svix`, the sender's own library, on the same bytes and the one signature that fitted. It hashes in plain
 *    JavaScript (4 ms for 256 KiB), so only a body that is already known to be signed may spend that.
 *
 * `svix` decodes the body to text before it hashes it. A body that is not UTF-8 has no text, and `svix` would judge
 * other bytes than those that were signed, so there OpenSSL's verdict stands alone. Such a body is never
 * delivered: it always ends in quarantine, and what was signed is never dropped.
 */
export function createVerifier(secrets: readonly string[]): VerifySignature {
  const verifiers = secrets.map((secret) => ({ key: signingKey(secret), webhook: new Webhook(secret) }))
  return (body, headers) =>
    verifiers.some(({ key, webhook }) => {
      const fitting = fittingSignature(key, body, headers)
      return fitting !== null && (!isUtf8(body) || svixAgrees(webhook, body, headers, fitting))
    })
}

/** The signature of `v1` that this key makes, if it is among those that came. */
function fittingSignature(
  key: KeyObject,
  body: Buffer,
  { messageId, timestamp, signature }: SignatureHeaders,
): string | null {
  const hmac = createHmac('sha256', key).update(`${messageId}.${timestamp}.`).update(body)
  const fitting = `v1,${hmac.digest('base64')}`
  const bytes = Buffer.from(fitting)
  const cameWith = (one: string) => one.length === fitting.length && equal(Buffer.from(one), bytes)
  return signature.split(' ').some(cameWith) ? fitting : null
}

/** In a time that does not depend on where they differ. */
function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function svixAgrees(webhook: Webhook, body: Buffer, headers: SignatureHeaders, signature: string): boolean {
  try {
    webhook.verify(body, {
      'webhook-id': headers.messageId,
      'webhook-timestamp': headers.timestamp,
      'webhook-signature': signature,
    })
    return true
  } catch {
    return false
  }
}
