import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { problemOf } from '../http/listener-problems.ts'
import { sendProblem } from '../http/problem.ts'
import type { Logger } from '../observability/logger.ts'
import { CursorError } from '../store/listings.ts'
import { StoreError } from '../store/store.ts'
import { RequestRefused } from './request-refused.ts'

/** What a call throws is answered as a problem. What is our own fault is logged, and the caller learns no more than that. */
export function answerOperatorErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof RequestRefused) return refuse(reply, error)
    if (error instanceof CursorError) return sendProblem(reply, 'request_invalid', error.message)
    if (error instanceof StoreError) {
      const route = request.routeOptions.url
      log.warn({ code: error.code, reason: error.message, route }, 'the store could not answer a call')
      reply.header('retry-after', 1)
      return sendProblem(reply, 'store_unavailable')
    }
    const code = problemOf(error)
    if (code === 'internal') log.error({ err: error, route: request.routeOptions.url }, 'a call failed')
    return sendProblem(reply, code)
  })
}

function refuse(reply: FastifyReply, { code, message, retryAfterSeconds }: RequestRefused): FastifyReply {
  if (retryAfterSeconds !== null) reply.header('retry-after', retryAfterSeconds)
  return sendProblem(reply, code, message)
}
