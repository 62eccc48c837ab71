import { createHash, timingSafeEqual } from 'node:crypto'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { answerErrors, problemAnswers } from '../http/listener-problems.ts'
import { sendProblem } from '../http/problem.ts'
import type { Metrics } from '../observability/metrics.ts'

export interface OperatorListenerOptions {
  /** OPERATOR_TOKEN. Without one, everybody who reaches the listener may use it. */
  token: string | undefined
  metrics: Metrics
}

/** The listener for the people who run the relay, on an address of its own. */
export function buildOperatorListener({ token, metrics }: OperatorListenerOptions): FastifyInstance {
  const app = fastify({ ...problemAnswers, forceCloseConnections: true, exposeHeadRoutes: false })
  app.addHook('onRequest', async (request, reply) => {
    if (token === undefined || bearerMatches(request.headers.authorization, token)) return
    reply.header('www-authenticate', 'Bearer')
    return sendProblem(
      reply,
      'token_missing',
      'Send the header "Authorization: Bearer TOKEN" with OPERATOR_TOKEN.',
    )
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.read()
    return reply.type(contentType).send(text)
  })
  answerErrors(app)
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 'not_found', 'There is no such page or call.'),
  )
  return app
}

/** Compares digests, so that the time it takes tells neither the token's length nor how much of a guess is right. */
function bearerMatches(header: string | undefined, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
