import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { Health } from '../observability/health.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { StoreError } from '../store/store.ts'
import { createGate } from './gate.ts'
import type { Refusal } from './gate.ts'
import { sendProblem } from '../http/problem.ts'
import type { ProblemCode } from '../http/problem.ts'
import type { Receipt, Receive } from './receive.ts'
import type { VerifySignature } from './signature.ts'
import { timestampInRange } from './signature-headers.ts'
import type { SignatureHeaders } from './signature-headers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The signature headers, once the gate has let the request through. */
    signature: SignatureHeaders | null
    /** When its headers had come, on the monotonic clock. */
    receivedAt: number
  }
}

export interface WebhookRouteOptions {
  config: Pick<Config, 'maxBodyBytes' | 'rateLimitPerMinute' | 'forgeryLimitPerMinute' | 'trustProxy'>
  verify: VerifySignature
  receive: Receive
  health: Health
  log: Logger
  metrics: Metrics
}

const PATH = '/webhooks/seam'
/**
 * A refused body up to this is read and thrown away, so that its sender gets to see the answer; a connection that
 * is closed on a sender in mid-sentence shows it a reset instead.
 */
const MAX_DISCARDED_BYTES = 16_777_216
const RETRY_AFTER_SECONDS = 5

/** `POST /webhooks/seam`: headers looked at, body read, signature verified, received, answered. */
export async function webhookRoute(app: FastifyInstance, options: WebhookRouteOptions): Promise<void> {
  const { config, verify, receive, health, log, metrics } = options
  const gate = createGate(app, { ...config, trustsProxy: config.trustProxy !== false, log })
  app.decorateRequest('signature', null)
  app.decorateRequest('receivedAt', 0)

  app.route({
    method: 'POST',
    url: PATH,
    async onRequest(request, reply) {
      request.receivedAt = performance.now()
      // Overwritten, not read: Fastify would refuse a content type that it cannot parse.
      request.raw.headers['content-type'] = 'application/octet-stream'
      if (health.stopping) throw new StoreError('store_closed', 'stopping')
      const admitted = await gate.admit(request)
      if ('refusal' in admitted) return refuse(request, reply, admitted.refusal)
      request.signature = admitted.headers
    },
    async handler(request, reply) {
      const headers = request.signature as SignatureHeaders
      const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
      if (!verify(body, headers)) {
        await gate.forged(request)
        // The body may have been so slow that the timestamp has aged out since the headers were looked at.
        const inRange = timestampInRange(headers.timestamp, Date.now())
        return refuse(request, reply, { code: inRange ? 'signature_mismatch' : 'timestamp_out_of_range' })
      }
      gate.verified(request)
      return answer(request, reply, await receive(body, headers.messageId))
    },
  })

  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: PATH,
    handler: (_request, reply) => sendProblem(reply.header('allow', 'POST'), 'method_not_allowed'),
  })

  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const code = problemOf(error)
    if (code === 'internal') log.error({ err: error }, 'unexpected error')
    else log.warn({ code, cause: error.message }, 'webhook not stored')
    count(request, code)
    if (code === 'unavailable') reply.header('retry-after', RETRY_AFTER_SECONDS)
    // Fastify would close at once on a body that is too large, and its sender see a reset and not the answer.
    reply.removeHeader('connection')
    return sendProblem(reply, code)
  })

  /** Here and not in an `onResponse` hook, whose bookkeeping costs more than the counting. */
  function count(request: FastifyRequest, outcome: string): void {
    metrics.webhook(outcome, performance.now() - request.receivedAt)
  }

  function answer(request: FastifyRequest, reply: FastifyReply, receipt: Receipt): FastifyReply {
    if (receipt.status === 'quarantined') {
      const { status, id, problems, conflict } = receipt
      count(request, conflict ? 'conflict' : 'quarantined')
      return reply.code(202).send({ status, id, problems })
    }
    count(request, receipt.status)
    return reply.code(receipt.status === 'accepted' ? 202 : 200).send(receipt)
  }

  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
    count(request, refusal.code)
    log.warn({ code: refusal.code, address: request.ip }, 'webhook refused')
    if (refusal.code === 'rate_limited') reply.header('retry-after', refusal.retryAfterSeconds)
    if (Number(request.headers['content-length']) > MAX_DISCARDED_BYTES) reply.header('connection', 'close')
    return sendProblem(reply, refusal.code, 'detail' in refusal ? refusal.detail : undefined)
  }
}

/** The only place where errors become problems, and with them statuses. */
function problemOf(error: FastifyError): ProblemCode {
  if (error instanceof StoreError) return 'unavailable'
  if (error.statusCode === 413) return 'body_too_large'
  if (error.code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' || error.code === 'ECONNRESET')
    return 'body_incomplete'
  return error.statusCode !== undefined && error.statusCode < 500 ? 'request_invalid' : 'internal'
}
