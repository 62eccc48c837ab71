import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { SeamStub } from '../support/seam-stub.ts'
import type { StubEvent } from '../support/seam-stub.ts'

export const KEY = 'seam_key_of_a_test'
export const WORKSPACE = 'aaaaaaaa-1111-4222-8333-444444444444'

/** Seam with one key and its workspace. */
export async function seam(): Promise<SeamStub> {
  const stub = await SeamStub.start()
  stub.addKey(KEY, WORKSPACE)
  return stub
}

/** An event that Seam made so long ago. */
export function eventFrom(agoMs: number, rest: Record<string, unknown> = {}): StubEvent {
  const created_at = new Date(Date.now() - agoMs).toISOString()
  return {
    ...credentialEvent(),
    event_id: randomUUID(),
    workspace_id: WORKSPACE,
    created_at,
    occurred_at: created_at,
    ...rest,
  }
}

/** Settings for a relay that reconciles with the stub. It looks once, unless a test says otherwise. */
export function reconciling(stub: SeamStub, rest: Record<string, string> = {}): Record<string, string> {
  return {
    SEAM_API_KEY: KEY,
    SEAM_API_URL: stub.url,
    RECONCILE_INTERVAL_S: '3600',
    RECONCILE_SETTLE_S: '0',
    RECONCILE_LOOKBACK_HOURS: '2',
    ...rest,
  }
}

/** Each of these came, and none twice. */
export function expectOnce(received: readonly string[], events: readonly StubEvent[]): void {
  expect(received.toSorted()).toEqual(events.map(({ event_id }) => event_id).toSorted())
}
