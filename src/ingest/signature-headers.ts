import type { IncomingHttpHeaders } from 'node:http'

/** The three headers of a signed webhook, well-formed. */
export interface SignatureHeaders {
  messageId: string
  /** Seconds since 1970, as sent. */
  timestamp: string
  signature: string
}

export type SignatureProblem =
  'signature_missing' | 'signature_malformed' | 'signature_mismatch' | 'timestamp_out_of_range'

/** How far a timestamp may be off, either way. Source: the Standard Webhooks specification, as `svix` applies it. */
const TOLERANCE_SECONDS = 300

const MESSAGE_ID = /^[\x21-\x7e]{1,256}$/
/** Without a leading zero: the sender writes a number in one way only, and signs the digits that it sends. */
const TIMESTAMP = /^[1-9][0-9]{0,11}$/
/** Of whatever version. One that the verifier does not know may stand beside one that it knows. */
const ONE_SIGNATURE = /^v[0-9]+[a-z]?,[A-Za-z0-9+/]+={0,2}$/

/**
 * Reads the signature headers, `svix-*` before `webhook-*`, and judges everything about them that does not need the
 * body, so that a request which cannot be genuine is refused before its body is read.
 * @param now milliseconds since 1970
 */
export function readSignatureHeaders(
  headers: IncomingHttpHeaders,
  now: number,
): { headers: SignatureHeaders } | { problem: SignatureProblem } {
  const messageId = headers['svix-id'] ?? headers['webhook-id']
  const timestamp = headers['svix-timestamp'] ?? headers['webhook-timestamp']
  const signature = headers['svix-signature'] ?? headers['webhook-signature']
  if (!messageId || !timestamp || !signature) return { problem: 'signature_missing' }
  // Node joins a repeated header to one string. Only a test's injected request can carry an array.
  if (typeof messageId !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
    return { problem: 'signature_malformed' }
  }
  if (!MESSAGE_ID.test(messageId) || !TIMESTAMP.test(timestamp)) return { problem: 'signature_malformed' }
  if (!signature.split(' ').some((one) => ONE_SIGNATURE.test(one))) return { problem: 'signature_malformed' }
  if (!timestampInRange(timestamp, now)) return { problem: 'timestamp_out_of_range' }
  return { headers: { messageId, timestamp, signature } }
}

/** Whether a timestamp of seconds is near enough to `now`, in milliseconds. */
export function timestampInRange(timestamp: string, now: number): boolean {
  return Math.abs(Math.floor(now / 1000) - Number(timestamp)) <= TOLERANCE_SECONDS
}
