import type { Hook } from '../config/hook.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ClaimedDelivery, NextState } from '../store/store.ts'
import type { Outcome } from './outcome.ts'

export interface DeliveryReportOptions {
  log: Logger
  metrics: Metrics
  /** Who is told of what a person should look at. */
  alerts: { deadLetter(hook: string, webhookId: string): void; breakerOpened(hook: string): void }
}

/** Tells people and their machines what became of each attempt: the log, the metrics, the alerts. */
export class DeliveryReport {
  readonly #options: DeliveryReportOptions

  constructor(options: DeliveryReportOptions) {
    this.#options = options
  }

  attempted(delivery: ClaimedDelivery, outcome: Outcome, next: NextState): void {
    const { log, metrics, alerts } = this.#options
    metrics.attempt(delivery.hook, outcome.kind, outcome.record.durationMs)
    const about = {
      webhook_id: delivery.webhookId,
      hook: delivery.hook,
      attempt: delivery.attempt,
      status: outcome.record.status,
      code: outcome.record.errorCode,
      duration_ms: outcome.record.durationMs,
    }
    switch (next.state) {
      case 'delivered':
        log.info(about, 'delivered')
        break
      case 'pending':
        log.warn({ ...about, retry_in_ms: next.delayMs }, 'delivery failed, to be tried again')
        break
      case 'dead':
        log.error(about, 'delivery given up: a dead letter')
        alerts.deadLetter(delivery.hook, delivery.webhookId)
        break
    }
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
