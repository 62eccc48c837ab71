import type { FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import type { Hook } from './config/hook.ts'
import { Alerts } from './delivery/alerts.ts'
import { DeliveryEngine } from './delivery/engine.ts'
import { buildPublicListener } from './ingest/public-listener.ts'
import { createReceive } from './ingest/receive.ts'
import { createVerifier } from './ingest/signature.ts'
import { createHealth } from './observability/health.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import type { HookState } from './observability/metrics.ts'
import { buildOperatorListener } from './operator/operator-listener.ts'
import { Retention } from './retention/retention.ts'
import { PostgresStore } from './store/postgres/postgres-store.ts'
import { SqliteStore } from './store/sqlite/sqlite-store.ts'
import type { AcceptedSpan, ReplayFilter, Store } from './store/store.ts'
import type { Clock } from './time/clock.ts'

/** The whole relay, wired and not yet listening. */
export interface App {
  publicListener: FastifyInstance
  operatorListener: FastifyInstance
  store: Store
  /** Begins to deliver what is due. */
  start(): void
  /** Takes a new list of hooks over, without a lost or doubled delivery. */
  setHooks(hooks: readonly Hook[]): void
  /** Puts deliveries back to pending, all that match in one step, dead ones unless the filter says otherwise. */
  replay(filter: ReplayFilter): Promise<{ replayed: number }>
  /** Makes deliveries for events from before the hook was there, as far as it wants them. `null`: no such hook. */
  replayMissing(hook: string, span: AcceptedSpan): Promise<{ replayed: number } | null>
  /** Not ready any more, nothing new taken; what is in flight is finished and settled. Ends within the configured bound. */
  stop(): Promise<void>
}

export interface AppOptions {
  config: Config
  log: Logger
  clock: Clock
  /** Called when the process can do nothing useful any more and should end. */
  onFatal: (error: Error) => void
}

/** How long to wait at the start for a predecessor that still holds the store. */
const LOCK_WAIT_MS = 10_000
/** And for a database that is just starting too. */
const DATABASE_WAIT_MS = 60_000
const DAY_MS = 86_400_000

export async function createApp({ config, log, clock, onFatal }: AppOptions): Promise<App> {
  const metrics = createMetrics()
  const store = await openStore()
  const health = createHealth(store)
  const alerts = new Alerts({ url: config.alertUrl, log })
  let hooks: readonly Hook[] = config.hooks
  const delivery = new DeliveryEngine({ store, hooks, log, metrics, alerts, clock, random: Math.random })
  const receive = createReceive({
    store,
    hooks: () => hooks,
    acceptEventTypes: config.acceptEventTypes,
    log,
    reserve: (wanting, event) => delivery.reserve(wanting, event),
  })
  const retention = new Retention({
    store,
    clock,
    log,
    payloadAgeMs: config.payloadRetentionDays * DAY_MS,
    dedupAgeMs: config.dedupRetentionDays * DAY_MS,
  })
  metrics.watchHooks(() => hookStates(store, delivery))
  const verify = createVerifier(config.seamWebhookSecrets)
  const publicListener = await buildPublicListener({ config, verify, receive, health, log, metrics })
  const operatorListener = buildOperatorListener({ token: config.operatorListener.token, metrics })

  let stopped: Promise<void> | null = null
  return {
    publicListener,
    operatorListener,
    store,
    start() {
      delivery.start()
      retention.start()
    },
    setHooks(newHooks) {
      hooks = newHooks
      delivery.setHooks(newHooks)
    },
    async replay(filter) {
      const result = await store.replay(filter)
      delivery.wake()
      return result
    },
    async replayMissing(name, span) {
      const hook = hooks.find((one) => one.name === name)
      if (hook === undefined) return null
      const { events, workspaces = null } = hook
      const result = await store.replayMissing({ hook: name, events, workspaces, ...span })
      delivery.wake()
      return result
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }

  function openStore(): Promise<Store> {
    const onCommit = ({ calls, durationMs }: { calls: number; durationMs: number }) =>
      metrics.commit(calls, durationMs)
    if (config.store.kind === 'sqlite') {
      return SqliteStore.open({ path: config.store.path, lockWaitMs: LOCK_WAIT_MS, clock, onCommit, onFatal })
    }
    const onDue = () => delivery.wake()
    return PostgresStore.open({
      url: config.store.url,
      startTimeoutMs: DATABASE_WAIT_MS,
      log,
      clock,
      onCommit,
      onDue,
    })
  }

  async function stop(): Promise<void> {
    health.beginStop()
    // The last fifth is for settling what was interrupted, and for the store.
    const graceMs = config.shutdownTimeoutMs * 0.8
    const cutConnections = setTimeout(() => publicListener.server.closeAllConnections(), graceMs)
    await Promise.all([publicListener.close(), delivery.stop(graceMs)])
    clearTimeout(cutConnections)
    await Promise.all([alerts.stop(), retention.stop()])
    await operatorListener.close()
    await store.close()
  }
}

/** What the store holds for each hook, and its breaker; `null` for a hook that is no longer configured. */
async function hookStates(store: Store, delivery: DeliveryEngine): Promise<HookState[]> {
  const breakers = delivery.breakers()
  const stats = new Map((await store.stats()).map((one) => [one.hook, one]))
  return [...new Set([...breakers.keys(), ...stats.keys()])].map((hook) => ({
    hook,
    pending: stats.get(hook)?.pending ?? 0,
    dead: stats.get(hook)?.dead ?? 0,
    oldestPendingAgeMs: stats.get(hook)?.oldestPendingAgeMs ?? 0,
    breaker: breakers.get(hook) ?? null,
  }))
}
