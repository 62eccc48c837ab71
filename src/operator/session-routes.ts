import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../time/clock.ts'
import { SESSION_MS } from './access.ts'
import type { Access } from './access.ts'
import { Session, SessionRequest } from './api/shapes/action.ts'
import { exactly } from './api/shapes/fields.ts'
import type { OperatorApp } from './operator-app.ts'
import { RequestRefused } from './request-refused.ts'

export const SESSION_COOKIE = 'seam_relay_session'

export interface SessionOptions {
  access: Access
  clock: Clock
}

/** Signs a browser in and out. A browser's stream of events cannot send a token in a header, so it goes by a cookie. */
export function sessionRoutes(app: OperatorApp, { access, clock }: SessionOptions): void {
  app.post(
    '/session',
    {
      config: { isOpen: true },
      schema: {
        tags: ['session'],
        summary: 'Sign in',
        description:
          'Answers a cookie that is as good as the token for twelve hours, at every replica with the same tokens. Changing the token ends it.',
        security: [],
        querystring: exactly({}),
        body: SessionRequest,
        response: { 200: Session },
      },
    },
    async (request, reply) => {
      // Nobody has to sign in, and there is no key to sign with.
      if (access.isOpen) return { may: 'act' as const }
      const caller = request.callerByToken(request.body.token)
      if (caller === null)
        throw new RequestRefused('token_missing', 'This is none of the tokens of seam-relay.')
      const session = access.newSession(caller.may, clock.wallMs())
      setCookie(request, reply, session, SESSION_MS / 1000)
      return { may: caller.may }
    },
  )

  app.delete(
    '/session',
    {
      config: { isOpen: true },
      schema: {
        tags: ['session'],
        summary: 'Sign out',
        description: 'Takes the cookie away from this browser.',
        security: [],
        querystring: exactly({}),
        body: exactly({}),
        response: { 200: exactly({}) },
      },
    },
    async (request, reply) => {
      setCookie(request, reply, '', 0)
      return {}
    },
  )
}

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, maxAge: number): void {
  const secure = cameByTls(request)
  reply.setCookie(SESSION_COOKIE, value, { path: '/', httpOnly: true, sameSite: 'strict', secure, maxAge })
}

/**
 * Whether the browser speaks TLS, to a proxy in front. Who makes that up only gets a cookie that his browser keeps to itself,
 * so the headers need not be trusted.
 */
function cameByTls({ headers, protocol }: FastifyRequest): boolean {
  const forwarded = `${String(headers['x-forwarded-proto'] ?? '')};${headers.forwarded ?? ''}`
  const isForwarded = /^\s*https\b|\bproto="?https\b/i.test(forwarded)
  return protocol === 'https' || isForwarded || headers.origin?.toLowerCase().startsWith('https:') === true
}
