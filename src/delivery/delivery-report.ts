import type { Hook } from '../config/hook.ts'
import type { Logger } from '../observability/logger.ts'
import { latencyBucket } from '../observability/latency-bucket.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Recording } from '../observability/recorder.ts'
import type { ClaimedDelivery, NextState, SettleResult } from '../store/store.ts'
import type { Outcome } from './outcome.ts'

export interface DeliveryReportOptions {
  log: Logger
  metrics: Metrics
  recorder: Recording
  /** Told what a person should look at. */
  alerts: { deadLetter(hook: string, webhookId: string): void; breakerOpened(hook: string): void }
}

/** Tells people and their machines what became of each attempt: the log, the metrics, the alerts. */
export class DeliveryReport {
  readonly #options: DeliveryReportOptions

  constructor(options: DeliveryReportOptions) {
    this.#options = options
  }

  /** An attempt has its outcome, which is not in the store yet. */
  attempted({ hook }: ClaimedDelivery, outcome: Outcome): void {
    this.#options.metrics.attempt(hook, outcome.kind, outcome.record.durationMs)
  }

  /**
   * The store has answered. If the lease had ended by then, somebody else decides the delivery's state.
   * @param ageMs since acceptance, or since the last replay
   */
  settled(
    delivery: ClaimedDelivery,
    outcome: Outcome,
    next: NextState,
    result: SettleResult,
    ageMs: number,
  ): void {
    const { log, metrics, alerts } = this.#options
    const about = aboutAttempt(delivery, outcome)
    if (result === 'lease_lost') {
      log.warn(about, 'the lease ended before the outcome was written: the delivery may be sent again')
      return
    }
    switch (next.state) {
      case 'delivered':
        metrics.settled(delivery.hook, 'delivered')
        this.#record('delivered', delivery, outcome)
        this.#options.recorder.count('latency', delivery.hook, latencyBucket(ageMs))
        log.info(about, 'delivered')
        break
      case 'pending':
        log.warn({ ...about, retry_in_ms: next.delayMs }, 'delivery failed, to be tried again')
        if (outcome.kind === 'failed') this.#record('failed', delivery, outcome)
        break
      case 'dead':
        metrics.settled(delivery.hook, 'dead')
        this.#record('dead', delivery, outcome)
        log.error(about, 'delivery given up: a dead letter')
        alerts.deadLetter(delivery.hook, delivery.webhookId)
        break
    }
  }

  #record(kind: 'delivered' | 'failed' | 'dead', delivery: ClaimedDelivery, { record }: Outcome): void {
    const { hook, webhookId, eventType } = delivery
    this.#options.recorder.count(kind, hook)
    this.#options.recorder.happened({ kind, id: webhookId, eventType, hook, code: record.errorCode })
  }

  opened({ name, breaker }: Hook): void {
    const { log, alerts } = this.#options
    log.error(
      { hook: name, cooldown_ms: breaker.cooldownMs },
      'breaker opened: the hook fails, its deliveries wait',
    )
    alerts.breakerOpened(name)
  }
}

function aboutAttempt(delivery: ClaimedDelivery, outcome: Outcome): Record<string, unknown> {
  const { status, errorCode, durationMs } = outcome.record
  const about = {
    webhook_id: delivery.webhookId,
    hook: delivery.hook,
    attempt: delivery.attempt,
    status,
    code: errorCode,
    duration_ms: durationMs,
  }
  const cause = outcome.kind === 'failed' ? outcome.cause : undefined
  return cause === undefined ? about : { ...about, reason: cause.message }
}
