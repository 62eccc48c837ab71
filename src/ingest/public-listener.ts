import fastify from 'fastify'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Connections } from '../http/connections.ts'
import { answerErrors, problemAnswers } from '../http/listener-problems.ts'
import { openFileLimit } from '../http/open-files.ts'
import { sendProblem } from '../http/problem.ts'
import type { Health } from '../observability/health.ts'
import { webhookRoute } from './webhook-route.ts'
import type { WebhookRouteOptions } from './webhook-route.ts'

/** A webhook has to come whole within this; the sender itself gives up after 15 s. */
const REQUEST_TIMEOUT_MS = 30_000
/** And its headers within this, as long as the connection has been silent included. */
const HEADERS_TIMEOUT_MS = 10_000
const TIMEOUT_CHECK_MS = 2000
/** Far more than senders and proxies open; bounds the memory. */
const MAX_CONNECTIONS = 2048
/** Of the open files, so many or this part is kept for the store, the hooks and the operator listener. */
const RESERVED_FILES = 64
const RESERVED_PART = 1 / 4

/** What the outside reaches: the webhook route and the probes, nothing else. */
export async function buildPublicListener(options: WebhookRouteOptions): Promise<FastifyInstance> {
  const { config, clock, health } = options
  const app = fastify({
    ...problemAnswers,
    trustProxy: config.trustProxy,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    forceCloseConnections: 'idle',
    // The route answers for itself while stopping, with a problem document.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
  })
  // No body is read before its route has decided that it may be.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  await app.register(webhookRoute, options)

  app.get('/livez', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => answerReadiness(reply, health))
  app.get('/health', (_request, reply) => answerReadiness(reply, health))

  const connections = new Connections(app.server, { clock, max: maxConnections(openFileLimit()) })
  app.addHook('preClose', async () => connections.closeSilent())
  answerErrors(app)
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not_found'))
  return app
}

function maxConnections(openFiles: number): number {
  const reserved = Math.max(RESERVED_FILES, openFiles * RESERVED_PART)
  return Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor(openFiles - reserved)))
}

async function answerReadiness(reply: FastifyReply, health: Health): Promise<FastifyReply> {
  const { ready, ...why } = await health.readiness()
  return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable', ...why })
}
