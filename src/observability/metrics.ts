import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { createReconcileMetrics } from './reconcile-metrics.ts'
import type { ReconcileFigures } from './reconcile-metrics.ts'
import { createStateGauges } from './state-gauges.ts'
import type { RelayState } from './state-gauges.ts'

/** How a webhook request ended, the `outcome` label: a kind of receipt, or the code of a problem. */
export type WebhookOutcome = 'accepted' | 'duplicate' | 'conflict' | 'quarantined' | 'ignored' | (string & {})

/** Every metric of the process. Calls give milliseconds; Prometheus gets seconds, as is its custom. */
export interface Metrics {
  webhook(outcome: WebhookOutcome, durationMs: number): void
  attempt(hook: string, outcome: string, durationMs: number): void
  /** A delivery has ended, as `delivered` or `dead`. Called once the store has written it. */
  settled(hook: string, state: string): void
  commit(calls: number, durationMs: number): void
  /** Sets the source of the gauges. It is asked at each `read`, and never throws. */
  watch(read: () => Promise<RelayState>): void
  /** The same for the metrics of reconciliation. Without it there are none. */
  watchReconciliation(read: () => Promise<readonly ReconcileFigures[] | null>): void
  /** Every metric in Prometheus's text format, with its content type. */
  read(): Promise<{ contentType: string; text: string }>
}

/** The outcomes that are not problems. */
const RECEIPTS = ['accepted', 'duplicate', 'conflict', 'quarantined', 'ignored']
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export interface MetricsOptions {
  /** How many lines of the log were lost so far. */
  logLinesDropped?: (() => number) | undefined
}

export function createMetrics({ logLinesDropped = () => 0 }: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'seam_relay_' })
  const webhooks = new Counter({
    name: 'seam_relay_webhooks_total',
    help: 'Webhook requests by how they ended.',
    labelNames: ['outcome'],
    registers,
  })
  const webhookSeconds = new Histogram({
    name: 'seam_relay_webhook_duration_seconds',
    help: 'From the first byte of a webhook request to its answer.',
    buckets: SECONDS,
    registers,
  })
  const attempts = new Counter({
    name: 'seam_relay_delivery_attempts_total',
    help: 'Delivery attempts by hook and by how they ended.',
    labelNames: ['hook', 'outcome'],
    registers,
  })
  const attemptSeconds = new Histogram({
    name: 'seam_relay_delivery_attempt_duration_seconds',
    help: 'Duration of delivery attempts.',
    labelNames: ['hook'],
    buckets: SECONDS,
    registers,
  })
  const settled = new Counter({
    name: 'seam_relay_deliveries_settled_total',
    help: 'Deliveries that ended, by hook and by state: delivered or dead.',
    labelNames: ['hook', 'state'],
    registers,
  })
  const commitSeconds = new Histogram({
    name: 'seam_relay_store_commit_duration_seconds',
    help: 'Duration of the commits of the embedded store.',
    buckets: SECONDS,
    registers,
  })
  const commitCalls = new Histogram({
    name: 'seam_relay_store_commit_calls',
    help: 'Calls that shared one commit of the embedded store.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  })
  new Counter({
    name: 'seam_relay_log_lines_dropped_total',
    help: 'Log lines that were lost because standard output could not be written.',
    registers,
    collect() {
      this.reset()
      this.inc(logLinesDropped())
    },
  })
  const setGauges = createStateGauges(registry)
  let readState: () => Promise<RelayState> = async () => ({ hooks: [], quarantine: null })

  let setReconciliation = async () => {}

  // From the start on, so that a rule sees the first one as an increase, and can tell "none" from "not known".
  for (const outcome of RECEIPTS) webhooks.labels(outcome).inc(0)

  // Finding the counter of a label set costs more than counting, so each is looked up once.
  const webhooksOf = memoize((outcome) => webhooks.labels(outcome))
  const attemptsOf = memoize((...labels) => attempts.labels(...labels))
  const attemptSecondsOf = memoize((hook) => attemptSeconds.labels(hook))
  const settledOf = memoize((...labels) => settled.labels(...labels))
  return {
    webhook(outcome, durationMs) {
      webhooksOf(outcome).inc()
      webhookSeconds.observe(durationMs / 1000)
    },
    attempt(hook, outcome, durationMs) {
      attemptsOf(hook, outcome).inc()
      attemptSecondsOf(hook).observe(durationMs / 1000)
    },
    settled: (hook, state) => settledOf(hook, state).inc(),
    commit(calls, durationMs) {
      commitSeconds.observe(durationMs / 1000)
      commitCalls.observe(calls)
    },
    watch(read) {
      readState = read
    },
    watchReconciliation(read) {
      const set = createReconcileMetrics(registry)
      setReconciliation = async () => set(await read())
    },
    async read() {
      const [state] = await Promise.all([readState(), setReconciliation()])
      setGauges(state)
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

/** Keeps what was made for each label set. There are few: hooks and outcomes are the relay's own words. */
function memoize<T>(make: (...labels: [string, ...string[]]) => T): (...labels: [string, ...string[]]) => T {
  const made = new Map<string, T>()
  return (...labels) => {
    const key = labels.length === 1 ? (labels[0] as string) : labels.join('\n')
    let one = made.get(key)
    if (one === undefined) made.set(key, (one = make(...labels)))
    return one
  }
}
