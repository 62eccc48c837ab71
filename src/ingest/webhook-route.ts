import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { StoreError } from '../store/store.ts'
import { createGate } from './gate.ts'
import type { Refusal } from './gate.ts'
import { sendProblem } from './problem.ts'
import type { ProblemCode } from './problem.ts'
import type { PublicListenerOptions } from './public-listener.ts'
import type { Receipt } from './receive.ts'
import { timestampInRange } from './signature-headers.ts'
import type { SignatureHeaders } from './signature-headers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The signature headers, once the gate has let the request through. */
    signature: SignatureHeaders | null
    /** What the request came to, for the metrics. */
    outcome: string | null
  }
}

const PATH = '/webhooks/seam'
/** Shorter than the sender's own 15 s, so that it hears a 503 and not silence from a disk that hangs. */
const STORE_TIMEOUT_MS = 10_000

/**
 * A refused body up to this is read and thrown away, so that its sender gets to see the answer; a connection that
 * is closed on a sender in mid-sentence shows it a reset instead.
 */
const MAX_DISCARDED_BYTES = 16_777_216

const DETAILS: Partial<Record<ProblemCode, string>> = {
  signature_missing: 'The headers svix-id, svix-timestamp and svix-signature are needed.',
  signature_malformed: 'A signature header has a form that the sender never gives it.',
  signature_mismatch: 'None of the configured secrets made this signature.',
  timestamp_out_of_range: 'The timestamp is more than five minutes off.',
  body_too_large: 'The body is larger than this relay takes.',
}

/** `POST /webhooks/seam`: headers looked at, body read, signature verified, received, answered. */
export async function webhookRoute(app: FastifyInstance, options: PublicListenerOptions): Promise<void> {
  const { config, verify, receive, health, log, metrics } = options
  const gate = createGate(app, { ...config, trustsProxy: config.trustProxy !== false, log })
  app.decorateRequest('signature', null)
  app.decorateRequest('outcome', null)

  app.route({
    method: 'POST',
    url: PATH,
    async onRequest(request, reply) {
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
      return answer(request, reply, await inTime(receive(body, headers.messageId)))
    },
    onResponse(request, reply, done) {
      metrics.webhook(request.outcome ?? OUTCOMES_BY_STATUS[reply.statusCode] ?? 'invalid', reply.elapsedTime)
      done()
    },
  })

  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: PATH,
    handler: (_request, reply) =>
      sendProblem(
        reply.header('allow', 'POST'),
        'method_not_allowed',
        'This address is for webhooks, which are posted.',
      ),
  })

  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
    request.outcome = refusal.code
    log.warn({ code: refusal.code, address: request.ip }, 'webhook refused')
    if (refusal.code === 'rate_limited') reply.header('retry-after', refusal.retryAfterSeconds)
    if (Number(request.headers['content-length']) > MAX_DISCARDED_BYTES) reply.header('connection', 'close')
    return sendProblem(
      reply,
      refusal.code,
      'detail' in refusal ? refusal.detail : (DETAILS[refusal.code] ?? ''),
    )
  }
}

/** Requests that ended in the error handler, where no outcome is set. */
const OUTCOMES_BY_STATUS: Record<number, string> = {
  413: 'body_too_large',
  500: 'internal',
  503: 'unavailable',
}

function answer(request: FastifyRequest, reply: FastifyReply, receipt: Receipt): FastifyReply {
  if (receipt.status === 'quarantined') {
    const { status, id, problems, conflict } = receipt
    request.outcome = conflict ? 'conflict' : 'quarantined'
    return reply.code(202).send({ status, id, problems })
  }
  request.outcome = receipt.status
  return reply.code(receipt.status === 'accepted' ? 202 : 200).send(receipt)
}

/** The store may still come to it later; then the sender's next try is a duplicate, and nothing is lost. */
async function inTime(receiving: Promise<Receipt>): Promise<Receipt> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new StoreError('store_overloaded', 'the store took too long')),
      STORE_TIMEOUT_MS,
    )
  })
  try {
    return await Promise.race([receiving, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
