import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

/** How one workspace stands against Seam's own list. Totals are from the store, and so the same at every replica. */
export interface ReconcileFigures {
  workspaceId: string
  checked: number
  missed: number
  recovered: number
  /** How far what is confirmed is behind now; `null` before the first pass. */
  lagMs: number | null
  /** `null` where no webhook of it is among the latest events. */
  sinceWebhookMs: number | null
  isFailing: boolean
}

/** Set anew at each scrape. `null`: the store could not be read, and they are left out. */
export function createReconcileMetrics(
  registry: Registry,
): (figures: readonly ReconcileFigures[] | null) => void {
  const registers = [registry]
  const labelNames = ['workspace']
  const name = (end: string) => `seam_relay_reconcile_${end}`
  const counter = (end: string, help: string) => new Counter({ name: name(end), help, labelNames, registers })
  const gauge = (end: string, help: string) => new Gauge({ name: name(end), help, labelNames, registers })
  const checked = counter(
    'checked_total',
    "Events of Seam's own list that were compared. The same at every replica.",
  )
  const missed = counter('missed_total', 'Events whose webhooks never came. The same at every replica.')
  const recovered = counter('recovered_total', 'Missed events that were taken in. The same at every replica.')
  const lag = gauge('lag_seconds', "How far back it was last certain that nothing of Seam's list is missing.")
  const sinceWebhook = gauge('last_webhook_age_seconds', 'Since the last webhook of the workspace came.')
  const failing = gauge('failing', "1 while Seam's API gives no usable answer, otherwise 0.")
  const all = [checked, missed, recovered, lag, sinceWebhook, failing]

  return (figures) => {
    for (const one of all) one.reset()
    for (const { workspaceId: workspace, ...figure } of figures ?? []) {
      checked.inc({ workspace }, figure.checked)
      missed.inc({ workspace }, figure.missed)
      recovered.inc({ workspace }, figure.recovered)
      failing.set({ workspace }, figure.isFailing ? 1 : 0)
      if (figure.lagMs !== null) lag.set({ workspace }, figure.lagMs / 1000)
      if (figure.sinceWebhookMs !== null) sinceWebhook.set({ workspace }, figure.sinceWebhookMs / 1000)
    }
  }
}
