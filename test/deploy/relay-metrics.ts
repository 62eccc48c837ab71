import { reconciling, seam } from '../reconcile/support.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

/** What `/metrics` of a real relay has: the labels of each sample, by its name. */
export type RelayMetrics = ReadonlyMap<string, ReadonlySet<string>>

/** Starts a relay, lets something of each kind happen, and reads its metrics. */
export async function relayMetrics(): Promise<RelayMetrics> {
  const receiver = await startReceiver()
  const relay = await startRelay({ ...reconciling(await seam()), ...hookTo(receiver) })
  await relay.send(credentialEvent())
  await relay.send({ ...credentialEvent(), event_type: undefined })
  await fetch(`${relay.url}/webhooks/seam`, { method: 'POST', body: '{}' })
  const delivered = { hook: 'one', state: 'delivered' }
  const isDelivered = async () => (await relay.metric('seam_relay_deliveries_settled_total', delivered)) === 1
  await until('the delivery to be settled', isDelivered)
  const isConfirmed = async () =>
    ((await relay.app.store.reconciledWorkspaces())[0]?.confirmedUntil ?? null) !== null
  await until('its workspace to be compared', isConfirmed)
  const labelsOf = new Map<string, Set<string>>()
  for (const line of (await relay.metrics()).split('\n')) {
    const [, name, labels = ''] = /^([a-z0-9_]+)(?:\{(.*)\})? /.exec(line) ?? []
    if (name === undefined) continue
    const known = labelsOf.get(name) ?? new Set()
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label as string)
    labelsOf.set(name, known)
  }
  return labelsOf
}

/** Labels that Prometheus adds to whatever it scrapes. */
const ADDED_BY_SCRAPES = new Set(['job', 'instance'])

/** What an expression of PromQL asks of seam-relay's metrics, and they do not have. */
export function unknownIn(expression: string, metrics: RelayMetrics): string[] {
  return [...expression.matchAll(/\b(seam_relay_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].flatMap(
    ([, name, matchers = '']) => {
      const labels = metrics.get(name as string)
      if (labels === undefined) return [name as string]
      return [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)]
        .map(([, label]) => label as string)
        .filter((label) => !labels.has(label) && !ADDED_BY_SCRAPES.has(label))
        .map((label) => `${name}{${label}}`)
    },
  )
}
