import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

/** How things stand at one moment. What is `null` could not be read from the store. */
export interface RelayState {
  hooks: HookState[]
  quarantine: { open: number; oldestAgeMs: number } | null
}

/** The deliveries of a hook, and its breaker. */
export interface HookState {
  hook: string
  /** Deliveries that are neither delivered nor dead; dead ones; the age of the oldest of the former, 0 if there is none. */
  deliveries: { pending: number; dead: number; oldestPendingAgeMs: number } | null
  /** `null`: the hook is no longer configured. Its deliveries are kept and not attempted. */
  breaker: (typeof BREAKER_STATES)[number] | null
  /** A person has paused it. */
  isPaused: boolean
}

const BREAKER_STATES = ['closed', 'open', 'recovering'] as const

/**
 * The gauges that are set anew at each scrape. A gauge whose figure is not known is left out: an old figure would look
 * as if all were well.
 */
export function createStateGauges(registry: Registry): (state: RelayState) => void {
  const registers = [registry]
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `seam_relay_${name}`, help, labelNames, registers })
  const pending = gauge('deliveries_pending', 'Deliveries that are neither delivered nor dead.', ['hook'])
  const dead = gauge(
    'deliveries_dead',
    'Dead letters that wait for a person: nobody has replayed them or given them up.',
    ['hook'],
  )
  const oldestPending = gauge(
    'oldest_pending_age_seconds',
    'Age of the oldest delivery that is neither delivered nor dead.',
    ['hook'],
  )
  const breaker = gauge('breaker_state', '1 for the state in which the breaker is, 0 for the others.', [
    'hook',
    'state',
  ])
  const configured = gauge(
    'hook_configured',
    '1 for a configured hook, 0 for one that is no longer configured and has deliveries.',
    ['hook'],
  )
  const paused = gauge('hook_paused', '1 for a hook that a person has paused, 0 for the others.', ['hook'])
  const quarantined = gauge('quarantine_open', 'Bodies in quarantine that nobody has decided about.', [])
  const oldestQuarantined = gauge(
    'quarantine_oldest_age_seconds',
    'Age of the body that has been in quarantine for longest.',
    [],
  )
  const storeUp = gauge(
    'store_up',
    '1 if the store could be read for this scrape, otherwise 0, and the gauges that come from it are missing.',
    [],
  )

  return ({ hooks, quarantine }) => {
    for (const one of [pending, dead, oldestPending, breaker, configured, paused]) one.reset()
    // Reset, a gauge without labels would be 0.
    for (const one of [quarantined, oldestQuarantined]) one.remove()
    storeUp.set(quarantine === null ? 0 : 1)
    if (quarantine !== null) {
      quarantined.set(quarantine.open)
      oldestQuarantined.set(quarantine.oldestAgeMs / 1000)
    }
    for (const { hook, deliveries, breaker: state, isPaused } of hooks) {
      paused.set({ hook }, isPaused ? 1 : 0)
      if (deliveries !== null) {
        pending.set({ hook }, deliveries.pending)
        dead.set({ hook }, deliveries.dead)
        oldestPending.set({ hook }, deliveries.oldestPendingAgeMs / 1000)
      }
      configured.set({ hook }, state === null ? 0 : 1)
      for (const name of state === null ? [] : BREAKER_STATES) {
        breaker.set({ hook, state: name }, state === name ? 1 : 0)
      }
    }
  }
}
