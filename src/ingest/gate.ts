import type { RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../observability/logger.ts'
import { readSignatureHeaders } from './signature-headers.ts'
import type { SignatureHeaders, SignatureProblem } from './signature-headers.ts'
import { VerifiedSenders } from './verified-senders.ts'

export interface GateOptions {
  maxBodyBytes: number
  rateLimitPerMinute: number
  forgeryLimitPerMinute: number
  /** Whether forwarded headers are believed. */
  trustsProxy: boolean
  log: Logger
}

/** Why a request goes no further. */
export type Refusal =
  | { code: SignatureProblem }
  | { code: 'rate_limited'; retryAfterSeconds: number; detail: string }
  | { code: 'body_too_large' }

/** Decides by a request's headers and its address alone, before a byte of the body is read. */
export interface Gate {
  admit(request: FastifyRequest): Promise<{ headers: SignatureHeaders } | { refusal: Refusal }>
  /** Tells what verification made of an admitted request. */
  verified(request: FastifyRequest): void
  forged(request: FastifyRequest): Promise<void>
}

const MINUTE_MS = 60_000
/** Addresses whose requests are counted at one time. */
const COUNTED_ADDRESSES = 10_000

/** @param app with `@fastify/rate-limit` registered */
export function createGate(app: FastifyInstance, options: GateOptions): Gate {
  const countRequest = limiter(app, options.rateLimitPerMinute)
  const countForgery = limiter(app, options.forgeryLimitPerMinute)
  const senders = new VerifiedSenders()
  let warnOfProxy = !options.trustsProxy

  async function forgeryRefusal(request: FastifyRequest): Promise<Refusal | null> {
    if (senders.has(request.ip, performance.now())) return null
    const spent = await countForgery(request, { increment: false })
    if (spent.isAllowed || spent.remaining > 0) return null
    return {
      code: 'rate_limited',
      retryAfterSeconds: Math.max(1, spent.ttlInSeconds),
      detail: 'Too many webhooks from this address failed verification.',
    }
  }

  return {
    async admit(request) {
      if (warnOfProxy && (request.headers['x-forwarded-for'] ?? request.headers['forwarded']) !== undefined) {
        warnOfProxy = false
        options.log.warn(
          'a forwarded header came, but TRUST_PROXY is not set: all who come through that proxy count as one address',
        )
      }
      const counted = await countRequest(request)
      if (!counted.isAllowed && counted.isExceeded) {
        const retryAfterSeconds = Math.max(1, counted.ttlInSeconds)
        return {
          refusal: {
            code: 'rate_limited',
            retryAfterSeconds,
            detail: 'Too many requests from this address.',
          },
        }
      }
      const refusal = await forgeryRefusal(request)
      if (refusal !== null) return { refusal }
      if (Number(request.headers['content-length']) > options.maxBodyBytes)
        return { refusal: { code: 'body_too_large' } }
      const read = readSignatureHeaders(request.headers, Date.now())
      if ('headers' in read) return read
      await countForgery(request)
      return { refusal: { code: read.problem } }
    },
    verified(request) {
      senders.add(request.ip, performance.now())
    },
    async forged(request) {
      await countForgery(request)
    },
  }
}

function limiter(app: FastifyInstance, max: number) {
  const options: RateLimitOptions = { max, timeWindow: MINUTE_MS, cache: COUNTED_ADDRESSES }
  return app.createRateLimit(options)
}
