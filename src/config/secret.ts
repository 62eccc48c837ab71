import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

const PREFIX = 'whsec_'

/** How many bytes the key in a signing secret may have. */
export interface KeySize {
  minBytes: number
  maxBytes: number
}

/**
 * Of a secret that Seam's sender signs with. The sender chooses it: 24 bytes unless somebody asks for others, and some
 * are older and shorter. The upper limit only keeps out text that is no secret.
 */
export const INCOMING_KEY: KeySize = { minBytes: 16, maxBytes: 1024 }

/** Of a secret that the relay signs with. Source: the Standard Webhooks specification, "Signature scheme". */
export const OUTGOING_KEY: KeySize = { minBytes: 24, maxBytes: 64 }

export function secretExpected({ minBytes, maxBytes }: KeySize): string {
  return `${PREFIX} and the base64 of ${minBytes} to ${maxBytes} bytes`
}

/**
 * Says what is wrong with a signing secret; `null` if nothing is. The `svix` package takes nearly any text as a
 * secret, so a truncated or mistyped one would show only later, as webhooks that never verify.
 */
export function secretProblem(secret: unknown, { minBytes, maxBytes }: KeySize): string | null {
  if (typeof secret !== 'string' || secret === '') return 'nothing'
  if (!secret.startsWith(PREFIX))
    return `a string of ${secret.length} characters without the prefix ${PREFIX}`
  const base64 = secret.slice(PREFIX.length)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0)
    return 'something that is not base64 behind the prefix'
  const keyBytes = keyBytesOf(secret)
  return keyBytes < minBytes || keyBytes > maxBytes ? `a key of ${keyBytes} bytes` : null
}

export function keyBytesOf(secret: string): number {
  return Buffer.from(secret.slice(PREFIX.length), 'base64').length
}

/** The key in a signing secret. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(secret.slice(PREFIX.length), 'base64')
}
