import { once } from 'node:events'
import { systemClock } from '../time/clock.ts'
import type { Receiver } from './receiver.ts'
import { credentialEvents, signedWebhook } from './scenes.ts'
import type { Service } from './service.ts'

export interface GoingOnOptions {
  service: Service
  /** The receiver behind the second hook, which fails and recovers. */
  frontDesk: Receiver
  seamSecret: string
  /** Ends it. */
  signal: AbortSignal
}

/** One part of what goes on: what is told, what the front desk answers from then on, and what is sent. */
interface Part {
  told: string
  answers: number
  kinds: readonly string[]
  /** Until the next part. */
  lastsMs: number
}

/** Long enough for a revocation to count as late on the page. */
const OUTAGE_MS = 90_000
const CALM_MS = 30_000
const BETWEEN_EVENTS_MS = 4000
const LIFE = ['issued', 'reissued', 'invalidated', 'deleted']

const PARTS: readonly Part[] = [
  {
    told: 'front-desk, a second hook, gets events too, and takes them.',
    answers: 204,
    kinds: LIFE,
    lastsMs: CALM_MS,
  },
  {
    told: 'front-desk now answers 503. Its events wait and are tried again; after a minute the page says what that can cost.',
    answers: 503,
    kinds: LIFE,
    lastsMs: OUTAGE_MS,
  },
  {
    told: 'front-desk answers again: what waited arrives within seconds, in order.',
    answers: 204,
    kinds: LIFE,
    lastsMs: CALM_MS,
  },
  {
    told: 'front-desk answers one revocation with 410, "I do not want this": a dead letter. Replay it from the page.',
    answers: 410,
    kinds: ['deleted'],
    lastsMs: BETWEEN_EVENTS_MS,
  },
]

/** The hook that fails and recovers. It retries fast, so that a person who watches sees it. */
export function frontDeskHook({ url }: Receiver, secret: string): object {
  return {
    name: 'front-desk',
    url,
    secrets: [secret],
    ordering: 'credential',
    retry: { initialDelayMs: 1000, maxDelayMs: 5000 },
    breaker: { failures: 5, cooldownMs: 5000 },
  }
}

/** Sends an event every few seconds and lets the second hook fail and recover, over and over, until the signal comes. */
export async function goOn({ service, frontDesk, seamSecret, signal }: GoingOnOptions): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const part = PARTS[n % PARTS.length] as Part
    frontDesk.status = part.answers
    console.log(part.told)
    await sendFor(part)
  }

  async function sendFor({ kinds, lastsMs }: Part): Promise<void> {
    const until = systemClock.steadyMs() + lastsMs
    const now = () => new Date(systemClock.wallMs())
    let event = credentialEvents(now())
    for (let n = 0; systemClock.steadyMs() < until && !signal.aborted; n++) {
      const kind = kinds[n % kinds.length] as string
      if (n > 0 && n % kinds.length === 0) event = credentialEvents(now())
      const { headers, body } = signedWebhook(seamSecret, now(), event(kind))
      await fetch(`${service.publicUrl}/webhooks/seam`, { method: 'POST', headers, body, signal }).catch(
        () => {},
      )
      await pause(BETWEEN_EVENTS_MS, signal)
    }
  }
}

/** Ends early with the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const timer = new AbortController()
  const over = systemClock.after(ms, () => timer.abort())
  await once(AbortSignal.any([signal, timer.signal]), 'abort')
  over.close()
}
