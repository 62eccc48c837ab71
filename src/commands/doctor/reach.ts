import { request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../time/clock.ts'
import { VERSION } from '../../version.ts'

/** How far a question to a server came. */
export type Reached =
  | { kind: 'unreached'; error: unknown }
  /** A connection was made, and TLS spoken where the URL asks for it; then no HTTP answer came. */
  | { kind: 'connected'; error: unknown; certificate: Certificate | null }
  | { kind: 'answered'; status: number; certificate: Certificate | null; aheadMs: number | null }

export interface Certificate {
  /** Milliseconds since 1970; `NaN` if it does not say. */
  expiresAt: number
  /** Why a hook's client would refuse it, as Node names it: `CERT_HAS_EXPIRED`. */
  problem: string | null
}

/** The header `Date` has whole seconds, so the server's time is half a second later on average. */
const HALF_SECOND_MS = 500

/**
 * Asks a server for the headers of its root (`HEAD /`): no webhook, no path or query of the URL, no header that may hold
 * a secret. That is enough to see the name, the port, the certificate and the clock.
 */
export function reach(url: URL, clock: Clock, timeoutMs: number): Promise<Reached> {
  return new Promise((resolve) => {
    const startedAt = clock.wallMs()
    let certificate: Certificate | null = null
    let isConnected = false
    const ask = url.protocol === 'https:' ? requestByHttps : requestByHttp
    const request = ask(new URL('/', url.origin), {
      method: 'HEAD',
      agent: false,
      headers: { 'user-agent': `seam-relay/${VERSION} doctor` },
      // A bad certificate is to be described and not to end the question. Nothing secret is sent.
      rejectUnauthorized: false,
    })
    const deadline = clock.after(timeoutMs, () =>
      request.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
    )
    request.on('socket', (socket) => {
      if (url.protocol !== 'https:') return socket.once('connect', () => (isConnected = true))
      return socket.once('secureConnect', () => {
        isConnected = true
        certificate = certificateOf(socket as TLSSocket)
      })
    })
    request.on('response', (response) => {
      const middle = (startedAt + clock.wallMs()) / 2
      const theirs = Date.parse(response.headers.date ?? '') + HALF_SECOND_MS
      const aheadMs = Number.isNaN(theirs) ? null : middle - theirs
      response.destroy()
      end({ kind: 'answered', status: response.statusCode ?? 0, certificate, aheadMs })
    })
    request.on('error', (error) =>
      end(isConnected ? { kind: 'connected', error, certificate } : { kind: 'unreached', error }),
    )
    request.end()

    function end(reached: Reached): void {
      deadline.close()
      resolve(reached)
    }
  })
}

function certificateOf(socket: TLSSocket): Certificate {
  // A code or a text: the types say Error.
  const problem = socket.authorizationError as unknown as string | null
  const { valid_to: validTo } = socket.getPeerCertificate()
  return {
    expiresAt: Date.parse(validTo ?? ''),
    problem: socket.authorized ? null : (problem ?? 'no certificate'),
  }
}
