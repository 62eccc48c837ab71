import { METHODS } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { problemOf } from '../http/listener-problems.ts'
import { sendProblem } from '../http/problem.ts'
import type { ProblemCode } from '../http/problem.ts'
import type { Health } from '../observability/health.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Recording } from '../observability/recorder.ts'
import type { CountKind } from '../store/records.ts'
import { StoreError } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { clientAddress } from './client-address.ts'
import { createGate } from './gate.ts'
import type { Admission, Refusal } from './gate.ts'
import { readBody } from './read-body.ts'
import type { RecentWebhooks } from './recent-webhooks.ts'
import type { Receipt, Receive } from './receive.ts'
import { RefusalLog } from './refusal-log.ts'
import type { VerifySignature } from './signature.ts'
import { timestampInRange } from './signature-headers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** When its headers had come, in steady milliseconds. */
    receivedAt: number
  }
}

export interface WebhookRouteOptions {
  config: Pick<Config, 'maxBodyBytes' | 'rateLimitPerMinute' | 'forgeryLimitPerMinute' | 'trustProxy'>
  clock: Clock
  verify: VerifySignature
  receive: Receive
  /** Called with the timestamp of each verified webhook, in milliseconds since 1970. */
  onVerified: (sentAt: number) => void
  health: Health
  log: Logger
  metrics: Metrics
  recorder: Pick<Recording, 'count'>
  recent: RecentWebhooks
}

/** What broke while a webhook was taken in. */
interface Failure {
  code: 'unavailable' | ReturnType<typeof problemOf>
  cause: string
}

const PATH = '/webhooks/seam'
/** What is not a receipt is the code of a refusal. */
const COUNTED_AS: Partial<Record<string, CountKind>> = {
  accepted: 'accepted',
  duplicate: 'duplicate',
  quarantined: 'quarantined',
  conflict: 'quarantined',
  ignored: 'ignored',
}
/**
 * The rest of a refused body is read and thrown away up to this size, so that its sender sees the answer. If the
 * connection is closed while the sender still writes, it may see a reset instead.
 */
const MAX_DISCARDED_BYTES = 16_777_216
/** Less where the request is refused because of a flood: reading its bodies would be most of the work that it makes. */
const MAX_DISCARDED_IN_FLOOD_BYTES = 65_536
const RETRY_AFTER_SECONDS = 5

/** `POST /webhooks/seam`: headers looked at, body read, signature verified, received, answered. */
export async function webhookRoute(app: FastifyInstance, options: WebhookRouteOptions): Promise<void> {
  const { config, clock, verify, receive, onVerified, health, log, metrics, recorder, recent } = options
  const gate = createGate({ ...config, clock, trustsProxy: config.trustProxy !== false, log })
  const refusalLog = new RefusalLog(log, clock)
  app.addHook('onClose', async () => refusalLog.close())
  app.decorateRequest('receivedAt', 0)
  // Every method that Node can read, so that each is told to post.
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)

  app.route({
    method: 'POST',
    url: PATH,
    async onRequest(request) {
      request.receivedAt = clock.steadyMs()
      // Fastify would refuse a content type that it cannot parse, and the body counts by its bytes alone.
      request.raw.headers['content-type'] = 'application/octet-stream'
    },
    async handler(request, reply) {
      if (health.stage !== 'running') throw new StoreError('store_closed', health.stage)
      const admitted = await gate.admit(request)
      if ('refusal' in admitted) return refuse(request, reply, admitted.refusal)
      try {
        return await takeIn(request, reply, admitted)
      } finally {
        admitted.end()
      }
    },
  })

  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST'),
    url: PATH,
    // Before Fastify looks at the content type, which some methods need and some requests have wrong.
    onRequest: async (_request, reply) => sendProblem(reply.header('allow', 'POST'), 'method_not_allowed'),
    handler: () => {},
  })

  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const code = error instanceof StoreError ? 'unavailable' : problemOf(error)
    if (error instanceof StoreError) health.acceptanceFailed(error)
    if (code === 'internal') log.error({ err: error }, 'unexpected error')
    return refuse(request, reply, { code, cause: error.message })
  })

  async function takeIn(request: FastifyRequest, reply: FastifyReply, admission: Admission) {
    const { headers, hold } = admission
    const read = await readBody(request.raw, hold, config.maxBodyBytes)
    if ('problem' in read) return refuse(request, reply, { code: read.problem })
    // The body may have been so slow that the timestamp has aged out since the headers were looked at.
    const isInRange = timestampInRange(headers.timestamp, clock.wallMs())
    if (!isInRange || !verify(read.bytes, headers)) {
      admission.judged('forged')
      return refuse(request, reply, { code: isInRange ? 'signature_mismatch' : 'timestamp_out_of_range' })
    }
    admission.judged('verified')
    recent.verified(clock.wallMs())
    onVerified(Number(headers.timestamp) * 1000)
    return answer(request, reply, await receive(read.bytes, headers.messageId))
  }

  /** Here and not in an `onResponse` hook, whose bookkeeping costs more than the counting. */
  function count(request: FastifyRequest, outcome: string): void {
    metrics.webhook(outcome, clock.steadyMs() - request.receivedAt)
    const kind = COUNTED_AS[outcome]
    if (kind === undefined) recorder.count('refused', '', outcome)
    else recorder.count(kind)
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

  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | Failure): FastifyReply {
    const { code } = refusal
    count(request, code)
    const cause = 'cause' in refusal ? { cause: refusal.cause } : {}
    const address = clientAddress(request)
    refusalLog.refused({ code, address, ...cause })
    recent.refused({ at: clock.wallMs(), code, address, isKnownSender: gate.isKnownSender(address) })
    if (code === 'rate_limited') reply.header('retry-after', refusal.retryAfterSeconds)
    if (code === 'unavailable') reply.header('retry-after', RETRY_AFTER_SECONDS)
    if (!request.raw.complete && isTooLongToDiscard(request, code)) reply.header('connection', 'close')
    return sendProblem(reply, code, 'detail' in refusal ? refusal.detail : undefined)
  }
}

function isTooLongToDiscard(request: FastifyRequest, code: ProblemCode): boolean {
  const isFlood = code === 'rate_limited' || code === 'unavailable'
  // A body without a length comes in chunks, and may be of any length.
  const bytes = Number(request.headers['content-length'] ?? MAX_DISCARDED_BYTES)
  return bytes > (isFlood ? MAX_DISCARDED_IN_FLOOD_BYTES : MAX_DISCARDED_BYTES)
}
