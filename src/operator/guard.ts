import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { clientAddress, networkOf } from '../ingest/client-address.ts'
import { MinuteCounts } from '../ingest/minute-counts.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../time/clock.ts'
import { LOOPBACK } from './access.ts'
import type { Access, Caller } from './access.ts'
import { isCrossSite } from './cross-site.ts'
import { namesThisHost } from './host-check.ts'
import { RequestRefused } from './request-refused.ts'
import { SESSION_COOKIE } from './session-routes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; `null` where nobody has to say. */
    caller: Caller | null
    /** Throws `rate_limited` if too many tokens from this address were wrong, else gives the caller by the token. */
    callerByToken(token: string): Caller | null
  }
  interface FastifyContextConfig {
    /** Needs no token: the page's own files hold no data. */
    isOpen?: boolean
    /** With `dry_run` it only counts, which whoever may read may do as well. */
    countsWhenDry?: boolean
  }
}

export interface GuardOptions {
  access: Access
  operatorHost: string
  clock: Clock
  log: Logger
}

/** Wrong tokens in a minute from one address. Past it, no token from there is looked at for the rest of the minute. */
const WRONG_TOKENS_PER_MINUTE = 30
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Decides for every request, the ones that lead nowhere included, whether it may go on:
 * host (without a token) → another site → who → may they change something.
 */
export function guard(app: FastifyInstance, { access, operatorHost, clock, log }: GuardOptions): void {
  const wrongTokens = new MinuteCounts(clock)
  app.decorateRequest('caller', null)
  app.decorateRequest('callerByToken', function (this: FastifyRequest, token: string) {
    return callerByToken(this, token)
  })
  app.addHook('onRequest', async (request, reply) => {
    const { raw, method, headers } = request
    const isSafe = SAFE_METHODS.has(method)
    if (access.isOpen && !namesThisHost({ url: raw.url ?? '', rawHeaders: raw.rawHeaders }, operatorHost))
      throw new RequestRefused('host_not_allowed', `The Host header names another host. ${HOST_ADVICE}`)
    if (isSafe && hasBody(headers))
      throw new RequestRefused('request_invalid', `A ${method} takes no body. Nothing was done.`)
    if (isCrossSite(headers) && !(isSafe && isNavigation(headers)))
      throw new RequestRefused('cross_site', CROSS_SITE)
    request.caller = whoCalls(request)
    if (request.routeOptions.config.isOpen === true) return
    if (request.caller === null) {
      reply.header('www-authenticate', 'Bearer')
      throw new RequestRefused('token_missing', TOKEN_ADVICE)
    }
    const mayOnlyCount = request.routeOptions.config.countsWhenDry === true
    if (!isSafe && !mayOnlyCount) requireAct(request.caller)
  })
  // Whether it is dry stands in the body, which is not there before.
  app.addHook('preValidation', async ({ caller, body, routeOptions }) => {
    if (routeOptions.config.countsWhenDry === true && !isDry(body)) requireAct(caller)
  })

  function whoCalls(request: FastifyRequest): Caller | null {
    if (access.isOpen) return LOOPBACK
    const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return callerByToken(request, bearer)
    const session = request.cookies[SESSION_COOKIE]
    // A signature of 256 bits is not guessed, so nothing is counted here.
    return session === undefined ? null : access.bySession(session, clock.wallMs())
  }

  function callerByToken(request: FastifyRequest, token: string): Caller | null {
    const address = networkOf(clientAddress(request))
    if (wrongTokens.of(address) >= WRONG_TOKENS_PER_MINUTE) {
      const retryAfterSeconds = wrongTokens.secondsLeft(address)
      throw new RequestRefused('rate_limited', TOO_MANY, retryAfterSeconds)
    }
    const caller = access.byToken(token)
    // Once a minute for each address, so that guessing does not fill the log.
    if (caller === null && wrongTokens.add(address) === 1)
      log.warn({ address }, 'a wrong operator token came')
    return caller
  }
}

function requireAct(caller: Caller | null): void {
  if (caller?.may !== 'act') throw new RequestRefused('read_only', READ_ONLY)
}

/** True and nothing else: all that is not clear counts as meant to be done. */
function isDry(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'dry_run' in body && body.dry_run === true
}

const HOST_ADVICE =
  'Without OPERATOR_TOKEN this listener answers only to localhost, a loopback address or OPERATOR_HOST.'
const CROSS_SITE = 'A page of another site made this request. Use the page of this listener.'
const TOKEN_ADVICE =
  'Send the header "Authorization: Bearer TOKEN" with OPERATOR_TOKEN, or sign in on the page.'
const READ_ONLY = 'OPERATOR_READ_TOKEN sees everything and changes nothing. It takes OPERATOR_TOKEN for this.'
const TOO_MANY = 'Too many wrong tokens came from this address. Wait a minute.'

/** A link on another site that a person followed. It only shows what they may see anyway. */
function isNavigation(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}
