import { onTestFinished } from 'vitest'
import { HookClient } from '../../../src/delivery/hook-client.ts'
import type { Outcome } from '../../../src/delivery/outcome.ts'
import type { ClaimedDelivery } from '../../../src/store/store.ts'
import { systemClock } from '../../../src/time/clock.ts'
import { readHook } from '../../support/hooks.ts'

/** A time-out that is long enough for a receiver to be slow in, and short enough to wait for. */
export const SHORT_MS = 300
/** Far above the time that any case takes, far below the default time-out of an attempt. */
export const SOON_MS = 10_000

export const OK = 'HTTP/1.1 200 OK\r\n'
export const EMPTY = `${OK}content-length: 0\r\n\r\n`

export type Verdict = [kind: Outcome['kind'], status: number | null, errorCode: string | null]

export function verdictOf({ kind, record }: Outcome): Verdict {
  return [kind, record.status, record.errorCode]
}

export const delivery: ClaimedDelivery = {
  eventSeq: 1,
  hook: 'one',
  webhookId: '6d3b3b6c-1d55-4a37-a3d2-2f1f4b1f9f0a',
  eventType: 'acs_credential.issued',
  body: '{"event_type":"acs_credential.issued"}',
  leaseToken: 1,
  attempt: 1,
  failures: 0,
  ageMs: 0,
  failingForMs: null,
}

/** The client of a hook that is configured as in production, closed when the test has finished. */
export function clientOf(url: string, settings: Record<string, unknown> = {}): HookClient {
  const client = new HookClient(readHook({ name: 'one', url, ...settings }), systemClock)
  onTestFinished(() => client.close())
  return client
}

/** One attempt, by a client of its own. */
export function send(url: string, settings?: Record<string, unknown>): Promise<Outcome> {
  return clientOf(url, settings).send(delivery).outcome
}
