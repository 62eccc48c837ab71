import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

const PREFIX = 'whsec_'
const MIN_KEY_BYTES = 24
const MAX_KEY_BYTES = 64

export const SECRET_EXPECTED = `${PREFIX} and the base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`

/**
 * What is wrong with a signing secret, or `null`. The `svix` package takes nearly any text as a secret, so
 * a truncated or mistyped one would show only as webhooks that never verify.
 * Source: the Standard Webhooks specification, "Signature scheme".
 */
export function secretProblem(secret: unknown): string | null {
  if (typeof secret !== 'string' || secret === '') return 'nothing'
  if (!secret.startsWith(PREFIX))
    return `a string of ${secret.length} characters without the prefix ${PREFIX}`
  const base64 = secret.slice(PREFIX.length)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0)
    return 'something that is not base64 behind the prefix'
  const keyBytes = Buffer.from(base64, 'base64').length
  return keyBytes < MIN_KEY_BYTES || keyBytes > MAX_KEY_BYTES ? `a key of ${keyBytes} bytes` : null
}

/** The key that a signing secret holds. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(secret.slice(PREFIX.length), 'base64')
}
