import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Hook } from '../config/hook.ts'
import type { DeliveryEngine } from '../delivery/engine.ts'
import type { RecentWebhooks } from '../ingest/recent-webhooks.ts'
import type { Receive } from '../ingest/receive.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Reconciliation } from '../reconcile/reconciliation.ts'
import type { Reader } from '../store/reader.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { VERSION } from '../version.ts'
import { readRelayState } from './hook-states.ts'
import { createHookTest } from './hook-test.ts'
import { buildOperatorListener } from './operator-listener.ts'
import { createOverview } from './overview/overview.ts'
import type { RelayOverview } from './overview/overview.ts'
import { openPage } from './page.ts'
import { createPauses } from './pauses.ts'
import { createReplays } from './replays.ts'
import type { Replays } from './replays.ts'
import { createStatistics } from './statistics.ts'

export interface OperatorOptions {
  config: Config
  clock: Clock
  log: Logger
  metrics: Metrics
  store: Store
  reader: Reader
  delivery: Pick<DeliveryEngine, 'breakers' | 'paused' | 'pausesChanged'>
  /** `null`: there is no key of Seam's API. */
  reconciliation: Reconciliation | null
  recent: RecentWebhooks
  receive: Receive
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  /** Called when a replay was begun. */
  onReplayBegun: () => void
}

export interface Operator {
  listener: FastifyInstance
  replays: Replays
  /** What the overview says of this very moment: an alert of a dead letter must not say that nothing waits. */
  latestOverview(): Promise<RelayOverview>
}

/** Everything for the people who run the relay, wired and not yet listening. */
export async function openOperator(options: OperatorOptions): Promise<Operator> {
  const { config, clock, log, metrics, store, reader, delivery, reconciliation, recent, hooks } = options
  const replays = createReplays({ store, reader, hooks, clock, log, onBegun: options.onReplayBegun })
  const statistics = createStatistics({ reader, clock })
  const breakers = () => delivery.breakers()
  metrics.watch(() => readRelayState({ statistics, breakers, paused: () => delivery.paused }))
  const overviewOptions = {
    reader,
    statistics,
    hooks,
    breakers,
    recent,
    reconciliation: async () => (await reconciliation?.reconciliationOverview()) ?? null,
    version: VERSION,
    clock,
  }
  const listener = await buildOperatorListener({
    config,
    clock,
    log,
    metrics,
    page: openPage(),
    api: {
      clock,
      log,
      reader,
      store,
      pauses: createPauses({ store, delivery }),
      replays,
      overview: createOverview(overviewOptions),
      recent,
      secrets: config.seamWebhookSecrets.length,
      hooks,
      acceptEventTypes: config.acceptEventTypes,
      receive: options.receive,
      testHook: createHookTest({ hooks, clock }),
      reconcile: reconciliation === null ? null : (span) => reconciliation.reconcileSpan(span),
    },
  })
  return {
    listener,
    replays,
    // With statistics of its own, because the page's may be some seconds old. Alerts ask at most once a minute.
    latestOverview: createOverview({ ...overviewOptions, statistics: createStatistics({ reader, clock }) }),
  }
}
