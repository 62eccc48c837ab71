import { createHash, hkdfSync, timingSafeEqual } from 'node:crypto'
import { Signer } from '@fastify/cookie'

/** `read` sees everything and changes nothing. */
export type May = 'act' | 'read'

/** Who makes a request, as the action log names it, and what they may do. */
export interface Caller {
  actor: 'operator' | 'reader' | 'loopback'
  may: May
  /** When a sign-in ends, in milliseconds since 1970; `null` where none is needed, or each request carries a token. */
  until: number | null
}

export interface Access {
  /** No token is set: everybody who reaches the listener may act. */
  readonly isOpen: boolean
  /** `null`: it is none of the tokens. */
  byToken(token: string): Caller | null
  /** `null`: not signed with the tokens of today, or past its end. */
  bySession(session: string, now: number): Caller | null
  /** What to put into a cookie for this caller. */
  newSession(may: May, now: number): string
}

export interface Tokens {
  /** OPERATOR_TOKEN */
  token: string | undefined
  /** OPERATOR_READ_TOKEN */
  readToken: string | undefined
}

/** How long a sign-in lasts. */
export const SESSION_MS = 12 * 3_600_000

export const LOOPBACK: Caller = { actor: 'loopback', may: 'act', until: null }
const ACTORS = { act: 'operator', read: 'reader' } as const

/**
 * Tells callers by their token, or by a sign-in. A sign-in is kept nowhere: it is `MAY.END` and a signature, by a key that
 * is made from the token. So it is good at every replica with the same token, and void once that token is changed.
 */
export function createAccess({ token, readToken }: Tokens): Access {
  const known = [
    ...(token === undefined ? [] : [{ may: 'act' as const, ...keysOf(token) }]),
    ...(readToken === undefined ? [] : [{ may: 'read' as const, ...keysOf(readToken) }]),
  ]
  return {
    isOpen: token === undefined,
    byToken(given) {
      const givenDigest = digest(given)
      // Each is compared, so that the time it takes does not tell which.
      const matching = known.filter((one) => timingSafeEqual(one.digest, givenDigest))
      const may = matching[0]?.may
      return may === undefined ? null : { actor: ACTORS[may], may, until: null }
    },
    bySession(session, now) {
      for (const { may, signer } of known) {
        const { valid, value } = signer.unsign(session)
        if (!valid) continue
        const end = new RegExp(`^${may}\\.(\\d{1,15})$`).exec(value)?.[1]
        // A replica whose clock is behind may have signed it a moment later than now.
        if (end !== undefined && Number(end) > now && Number(end) <= now + 2 * SESSION_MS)
          return { actor: ACTORS[may], may, until: Number(end) }
      }
      return null
    },
    newSession(may, now) {
      const signer = known.find((one) => one.may === may)?.signer
      if (signer === undefined) throw new Error('no token is set that could sign')
      return signer.sign(`${may}.${Math.trunc(now) + SESSION_MS}`)
    },
  }
}

function keysOf(token: string): { digest: Buffer; signer: Signer } {
  const key = Buffer.from(hkdfSync('sha256', token, '', 'seam-relay operator session', 32))
  return { digest: digest(token), signer: new Signer(key) }
}

/** Digests are compared, so that the time it takes tells neither the token's length nor how much of a guess is right. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
