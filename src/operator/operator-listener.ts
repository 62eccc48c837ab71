import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import type { FastifyBodyParser, FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { Connections } from '../http/connections.ts'
import { problemAnswers } from '../http/listener-problems.ts'
import { sendProblem } from '../http/problem.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Clock } from '../time/clock.ts'
import { createAccess } from './access.ts'
import { callLimit } from './call-limit.ts'
import { operatorApi } from './api/operator-api.ts'
import type { OperatorApiOptions } from './api/options.ts'
import { guard } from './guard.ts'
import { openapiOptions } from './openapi.ts'
import { answerOperatorErrors } from './operator-errors.ts'
import { securityHeaders } from './security-headers.ts'
import { sessionRoutes } from './session-routes.ts'
import { strictValidator } from './strict-validator.ts'

export interface OperatorListenerOptions {
  config: Pick<Config, 'operatorListener' | 'trustProxy'>
  clock: Clock
  log: Logger
  metrics: Metrics
  api: OperatorApiOptions
  /** The page for browsers; without it, there are only calls. */
  page?: Page
}

export interface Page {
  /** The content security policy that it needs, by directive. */
  policy: Record<string, string[]>
  /** Adds its files. They need no token, so they may hold no data. */
  serve(app: FastifyInstance): void
}

/** A call is small and has to come whole within this. What is answered, such as a stream, may take as long as it likes. */
const REQUEST_TIMEOUT_MS = 30_000
/** Pages, their streams and scrapes. More would take open files from the webhooks. */
const MAX_CONNECTIONS = 128
/** An id of 200 characters, each of which may be encoded as three. */
const MAX_PART_OF_PATH = 600

/** The listener for the people who run the relay, on an address of its own. */
export async function buildOperatorListener(options: OperatorListenerOptions): Promise<FastifyInstance> {
  const { config, clock, log, metrics, api, page } = options
  const app = fastify({
    ...problemAnswers,
    trustProxy: config.trustProxy,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PART_OF_PATH },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(strictValidator)
  // The types of the answers follow from their schemas, so nothing has to be cut to them a second time.
  app.setSerializerCompiler(() => JSON.stringify)
  // Only JSON: a form of another site can send text, and not JSON.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson(app))
  answerOperatorErrors(app, log)
  new Connections(app.server, { clock, max: MAX_CONNECTIONS })

  await app.register(helmet, securityHeaders(page?.policy))
  await app.register(rateLimit, callLimit)
  await app.register(cookie)
  const access = createAccess(config.operatorListener)
  guard(app, { access, operatorHost: config.operatorListener.host, clock, log })
  app.addHook('onSend', async (_request, reply) => {
    // What people see here is theirs; no cache in between keeps it. The page's files say otherwise for themselves.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })

  await app.register(swagger, openapiOptions)
  sessionRoutes(app, { access, clock })
  operatorApi(app, api)
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.read()
    return reply.type(contentType).send(text)
  })
  app.get('/openapi.json', () => app.swagger())
  if (page !== undefined) {
    await app.register(async (files) => {
      files.addHook('onRoute', (route) => {
        route.config = { ...route.config, isOpen: true }
      })
      page.serve(files)
    })
  }
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 'not_found', 'There is no such page or call.'),
  )
  return app as unknown as FastifyInstance
}

/** A client that says JSON and sends nothing, as many do for DELETE, has sent no body. */
function parseJson(app: Pick<FastifyInstance, 'getDefaultJsonParser'>): FastifyBodyParser<string> {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body, done)
  }
}
