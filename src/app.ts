import type { FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import { DeliveryEngine } from './delivery/engine.ts'
import { buildPublicListener } from './ingest/public-listener.ts'
import { createReceive } from './ingest/receive.ts'
import { createVerifier } from './ingest/signature.ts'
import { createHealth } from './observability/health.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import { buildOperatorListener } from './operator/operator-listener.ts'
import { SqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'

/** The whole relay, wired and not yet listening. */
export interface App {
  publicListener: FastifyInstance
  operatorListener: FastifyInstance
  store: Store
  /** Begins to deliver what is due. */
  start(): void
  /** Not ready any more, nothing new taken; what is in flight is finished and settled. Ends within the configured bound. */
  stop(): Promise<void>
}

export interface AppOptions {
  config: Config
  log: Logger
  /** Called when the process can do nothing useful any more and should end. */
  onFatal: (error: Error) => void
}

/** How long to wait at the start for a predecessor that still holds the store. */
const LOCK_WAIT_MS = 10_000

export async function createApp({ config, log, onFatal }: AppOptions): Promise<App> {
  const metrics = createMetrics()
  const store: Store = await SqliteStore.open({
    path: config.store.path,
    lockWaitMs: LOCK_WAIT_MS,
    onCommit: ({ calls, durationMs }) => metrics.commit(calls, durationMs),
    onFatal,
  })
  const health = createHealth(store)
  const delivery = new DeliveryEngine({ store, hooks: config.hooks, log, metrics, random: Math.random })
  const receive = createReceive({
    store,
    hooks: config.hooks,
    acceptEventTypes: config.acceptEventTypes,
    log,
    onAccepted: () => delivery.wake(),
  })
  const verify = createVerifier(config.seamWebhookSecrets)
  const publicListener = await buildPublicListener({ config, verify, receive, health, log, metrics })
  const operatorListener = buildOperatorListener({ token: config.operatorListener.token, metrics })

  let stopped: Promise<void> | null = null
  return {
    publicListener,
    operatorListener,
    store,
    start: () => delivery.start(),
    stop() {
      stopped ??= stop()
      return stopped
    },
  }

  async function stop(): Promise<void> {
    health.beginStop()
    // The last fifth is for settling what was interrupted, and for the store.
    const graceMs = config.shutdownTimeoutMs * 0.8
    const cutConnections = setTimeout(() => publicListener.server.closeAllConnections(), graceMs)
    await Promise.all([publicListener.close(), delivery.stop(graceMs)])
    clearTimeout(cutConnections)
    await operatorListener.close()
    await store.close()
  }
}
