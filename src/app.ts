import type { FastifyInstance } from 'fastify'
import { openAlerts } from './alerts/open-alerts.ts'
import type { Config } from './config.ts'
import type { Hook } from './config/hook.ts'
import { DeliveryEngine } from './delivery/engine.ts'
import { buildPublicListener } from './ingest/public-listener.ts'
import { RecentWebhooks } from './ingest/recent-webhooks.ts'
import { createReceive } from './ingest/receive.ts'
import type { Receive } from './ingest/receive.ts'
import { createVerifier } from './ingest/signature.ts'
import { createHealth } from './observability/health.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import { Recorder } from './observability/recorder.ts'
import { openOperator } from './operator/operator.ts'
import type { Replays } from './operator/replays.ts'
import { createReconciliation } from './reconcile/reconciliation.ts'
import { ReplayRunner } from './replays/replay-runner.ts'
import { Retention } from './retention/retention.ts'
import { SenderTime } from './retention/sender-time.ts'
import type { Reader } from './store/reader.ts'
import type { Store } from './store/store.ts'
import type { Clock } from './time/clock.ts'
import { VERSION } from './version.ts'

/** The whole relay, wired. */
export interface App extends Replays {
  publicListener: FastifyInstance
  operatorListener: FastifyInstance
  store: Store
  reader: Reader
  delivery: Pick<DeliveryEngine, 'paused' | 'pausesChanged'>
  /** Begins to take webhooks in, to deliver, to go on with replays, and to remove what is too old. */
  start(): void
  /** Takes over a new list of hooks. No delivery is lost or doubled by it. */
  setHooks(hooks: readonly Hook[]): void
  /**
   * Turns readiness off, takes nothing new, and finishes and settles the attempts in flight. It ends within
   * SHUTDOWN_TIMEOUT_MS. May be called twice.
   */
  stop(): Promise<void>
}

export interface AppOptions {
  config: Config
  log: Logger
  clock: Clock
  /** Called when the store is lost for good, so that the process should end. */
  onFatal: (error: Error) => void
  /**
   * Called with the public listener before the store is opened, which may take minutes. It may listen from here on: until
   * `start` it is alive and not ready, and answers webhooks with 503.
   */
  onListener?: (publicListener: FastifyInstance) => Promise<void>
  /** How many lines of the log were lost so far. */
  logLinesDropped?: () => number
}

interface OpenStore {
  store: Store
  reader: Reader
  /** The store's time, in milliseconds since 1970, where this process keeps it; `null` where the database does. */
  storeTime: (() => number) | null
}

/** How long a start waits for another process to let go of the embedded store. */
const LOCK_WAIT_MS = 10_000
/** How long a start waits for a database that is still starting itself. */
const DATABASE_WAIT_MS = 60_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export async function createApp({
  config,
  log,
  clock,
  onFatal,
  onListener,
  logLinesDropped,
}: AppOptions): Promise<App> {
  let hooks: readonly Hook[] = config.hooks
  const metrics = createMetrics({ logLinesDropped })

  // In: from Seam to the store. It is there before the store is, so that a start which takes long is seen to be one.
  const health = createHealth(clock)
  const recent = new RecentWebhooks()
  let receive: Receive
  let senderTime: SenderTime | null = null
  let counting: Pick<Recorder, 'count'> | null = null
  const publicListener = await buildPublicListener({
    config,
    clock,
    verify: createVerifier(config.seamWebhookSecrets),
    receive: (bytes, messageId) => receive(bytes, messageId),
    onVerified: (sentAt) => senderTime?.told(sentAt),
    health,
    log,
    metrics,
    recorder: { count: (...about) => counting?.count(...about) },
    recent,
  })
  await onListener?.(publicListener)

  // Held: events and deliveries on disk.
  const { store, reader, storeTime } = await openStore()
  senderTime = storeTime && new SenderTime(clock, storeTime)
  const retention = new Retention({
    store,
    clock,
    log,
    timeAheadMs: () => (senderTime === null ? 0 : senderTime.aheadMs()),
    payloadAgeMs: config.payloadRetentionDays * DAY_MS,
    dedupAgeMs: config.dedupRetentionDays * DAY_MS,
  })

  // What people watch: counted here, written by the way.
  const recorder = new Recorder({ store, clock, log })
  counting = recorder

  // Out: from the store to the hooks.
  const alerts = await openAlerts(config.alertUrl, {
    overview: () => operator.latestOverview(),
    log,
    clock,
  })
  const delivery = new DeliveryEngine({
    store,
    hooks,
    log,
    metrics,
    recorder,
    alerts,
    clock,
    random: Math.random,
  })

  receive = createReceive({
    store,
    hooks: () => hooks,
    acceptEventTypes: config.acceptEventTypes,
    log,
    reserve: (wanting, event) => delivery.reserve(wanting, event),
    onQuarantined: (reason, quarantineId) => alerts.quarantined(reason, quarantineId),
    recorder,
    clock,
  })

  // What did not come in: from Seam's own list to the same door.
  const reconciliation = createReconciliation({
    settings: config.reconciliation,
    store,
    reader,
    receive,
    acceptEventTypes: config.acceptEventTypes,
    rememberedMs: config.dedupRetentionDays * DAY_MS,
    clock,
    log,
    random: Math.random,
    onMissed: (workspaceId, missed) => alerts.eventsMissed(workspaceId, missed),
    onGap: (workspaceId, gap) => alerts.gapFound(workspaceId, gap),
  })
  if (reconciliation !== null) metrics.watchReconciliation(() => reconciliation.figures())

  // For people.
  const replayRunner = new ReplayRunner({
    store,
    orderedHooks: () => hooks.filter(({ ordering }) => ordering === 'credential').map(({ name }) => name),
    clock,
    log,
    onDue: () => delivery.wake(),
  })
  const operator = await openOperator({
    config,
    clock,
    log,
    metrics,
    store,
    reader,
    delivery,
    reconciliation,
    recent,
    receive,
    hooks: () => hooks,
    onReplayBegun: () => replayRunner.wake(),
  })
  const operatorListener = operator.listener

  let stopped: Promise<void> | null = null
  return {
    ...operator.replays,
    publicListener,
    operatorListener,
    store,
    reader,
    delivery,
    start() {
      health.opened(store)
      delivery.start()
      retention.start()
      replayRunner.start()
      recorder.start()
      reconciliation?.start()
    },
    setHooks(newHooks) {
      hooks = newHooks
      delivery.setHooks(newHooks)
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }

  /** Loads only the store that is configured: a relay on a file never loads the client of Postgres. */
  async function openStore(): Promise<OpenStore> {
    const onCommit = ({ calls, durationMs }: { calls: number; durationMs: number }) =>
      metrics.commit(calls, durationMs)
    switch (config.store.kind) {
      case 'sqlite': {
        const { SqliteStore } = await import('./store/sqlite/sqlite-store.ts')
        const { SqliteReader } = await import('./store/sqlite/sqlite-reader.ts')
        const { path } = config.store
        const store = await SqliteStore.open({
          path,
          lockWaitMs: LOCK_WAIT_MS,
          largestBodyBytes: config.maxBodyBytes,
          clock,
          onReopened: ({ wallAheadMs }) => warnOfClock(wallAheadMs),
          onOpening(reason) {
            log.info({ reason }, 'the start takes time')
            health.opening(reason)
          },
          onFileGone: logFileGone,
          onCommit,
          onFatal,
        })
        const storeTime = () => store.now()
        return { store, reader: new SqliteReader({ path, clock, now: storeTime }), storeTime }
      }
      case 'postgres': {
        const { PostgresStore } = await import('./store/postgres/postgres-store.ts')
        const { PostgresReader } = await import('./store/postgres/postgres-reader.ts')
        const onDue = () => delivery.wake()
        const { url } = config.store
        const startTimeoutMs = DATABASE_WAIT_MS
        const onOpening = (reason: string) => health.opening(reason)
        const options = { url, startTimeoutMs, version: VERSION, log, clock, onOpening, onCommit, onDue }
        const store = await PostgresStore.open(options)
        return { store, reader: new PostgresReader({ url, clock }), storeTime: null }
      }
    }
  }

  /** The embedded store goes by the wall clock from one start to the next. Only a person can tell which is right. */
  function warnOfClock(wallAheadMs: number): void {
    const about = { wall_ahead_ms: wallAheadMs }
    if (wallAheadMs > HOUR_MS)
      log.warn(about, 'the store was last written long ago: if the relay was not off, the clock is wrong')
    if (wallAheadMs < -HOUR_MS)
      log.warn(about, 'the clock is behind the store, which goes on from the time it was last written')
  }

  function logFileGone(gone: string | null): void {
    if (gone === null) log.info("the store's file is back, webhooks are taken again")
    else log.error({ file: gone }, "the store's file was removed or replaced: put it back, or restart")
  }

  async function stop(): Promise<void> {
    health.beginStop()
    // The last fifth of the time is left for settling the interrupted attempts and for closing the store.
    const graceMs = config.shutdownTimeoutMs * 0.8
    const cutConnections = clock.after(graceMs, () => publicListener.server.closeAllConnections())
    await Promise.all([publicListener.close(), delivery.stop(graceMs)])
    cutConnections.close()
    // Before the alerts: what it has found is told by them.
    await reconciliation?.stop()
    await Promise.all([alerts.stop(), retention.stop(), replayRunner.stop(), recorder.stop()])
    await operatorListener.close()
    // In this order: SQLite copies its log back when its last connection closes, and only one that may write can.
    await reader.close()
    await store.close()
  }
}
