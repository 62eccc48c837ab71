import type { Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import fastify from 'fastify'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { answerErrors, problemAnswers } from '../http/listener-problems.ts'
import { sendProblem } from '../http/problem.ts'
import type { Health } from '../observability/health.ts'
import { webhookRoute } from './webhook-route.ts'
import type { WebhookRouteOptions } from './webhook-route.ts'

/** A webhook has to come whole within this; the sender itself gives up after 15 s. */
const REQUEST_TIMEOUT_MS = 30_000
/** For a request that is on its way when the listener closes. */
const SILENT_GRACE_MS = 500

/** What the outside reaches: the webhook route and the probes, nothing else. */
export async function buildPublicListener(options: WebhookRouteOptions): Promise<FastifyInstance> {
  const { config, health } = options
  const app = fastify({
    ...problemAnswers,
    bodyLimit: config.maxBodyBytes,
    trustProxy: config.trustProxy,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // The gate answers for itself while stopping, with a problem document.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
  })
  // The body is judged by its bytes, whatever it calls itself.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  await app.register(rateLimit, { global: false })

  await app.register(webhookRoute, options)

  app.get('/livez', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => answerReadiness(reply, health))
  app.get('/health', (_request, reply) => answerReadiness(reply, health))

  cutSilentAtClose(app)
  answerErrors(app)
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not_found'))
  return app
}

/**
 * A connection that was opened ahead and has never asked for anything does not count as idle for Node, and would hold
 * up a stop until its bound.
 */
function cutSilentAtClose(app: FastifyInstance): void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', ({ socket }) => silent.delete(socket))
  app.addHook('preClose', (done) => {
    setTimeout(() => {
      for (const socket of silent) socket.destroy()
    }, SILENT_GRACE_MS)
    done()
  })
}

async function answerReadiness(reply: FastifyReply, health: Health): Promise<FastifyReply> {
  const { ready, ...why } = await health.readiness()
  return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable', ...why })
}
