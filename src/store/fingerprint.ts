import { createHash } from 'node:crypto'

/** Names a body in quarantine: the same body under the same message id is kept once. */
export function fingerprintOf({ messageId, bytes }: { messageId: string; bytes: Uint8Array }): string {
  return createHash('sha256').update(messageId).update('\0').update(bytes).digest('hex')
}
