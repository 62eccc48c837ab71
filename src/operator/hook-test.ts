import { randomUUID } from 'node:crypto'
import type { Hook } from '../config/hook.ts'
import { HookClient } from '../delivery/hook-client.ts'
import { SAMPLE_EVENT_ID } from '../events/event.ts'
import { matchesAny } from '../events/event-pattern.ts'
import type { Clock } from '../time/clock.ts'
import type { HookTest } from './api/shapes/action.ts'

export interface HookTestOptions {
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  clock: Clock
}

/** A person waits for the answer. */
const LONGEST_MS = 30_000
const SAMPLE_TYPES = [
  'acs_credential.issued',
  'acs_credential.reissued',
  'acs_credential.invalidated',
  'acs_credential.deleted',
]

/**
 * Sends a signed sample to one hook, as a delivery is sent, and tells what it answered. Nothing of it is stored, and neither the
 * hook's breaker nor a pause counts: a person wants to know whether the hook is well again. One at a time for each hook: who
 * asks meanwhile gets the answer of the test that is under way. `null`: no hook has this name.
 */
export function createHookTest({
  hooks,
  clock,
}: HookTestOptions): (name: string) => Promise<HookTest | null> {
  const underWay = new Map<string, Promise<HookTest>>()
  return async (name) => {
    const hook = hooks().find((one) => one.name === name)
    if (hook === undefined) return null
    const running = underWay.get(name)
    if (running !== undefined) return running
    const test = sendSample(hook, clock).finally(() => underWay.delete(name))
    underWay.set(name, test)
    return test
  }
}

async function sendSample(hook: Hook, clock: Clock): Promise<HookTest> {
  const client = new HookClient({ ...hook, timeoutMs: Math.min(hook.timeoutMs, LONGEST_MS) }, clock)
  const webhookId = `msg_test_${randomUUID()}`
  const eventType = SAMPLE_TYPES.find((type) => matchesAny(hook.events, type)) ?? 'acs_credential.issued'
  try {
    const body = JSON.stringify(sample(eventType, clock.wallMs()))
    const { kind, record } = await client.send({ webhookId, body, attempt: 1 }).outcome
    const { durationMs, status, errorCode, answer } = record
    return {
      delivered: kind === 'delivered',
      status,
      code: errorCode,
      duration_ms: durationMs,
      answer: answer === null ? null : new TextDecoder().decode(answer),
      webhook_id: webhookId,
    }
  } finally {
    await client.close()
  }
}

/** As Seam's console sends them for a test: with ids of zeros, so that no receiver takes it for a real one. */
function sample(eventType: string, now: number): object {
  const at = new Date(now).toISOString()
  const id = SAMPLE_EVENT_ID
  return {
    event_id: id,
    event_type: eventType,
    workspace_id: id,
    created_at: at,
    occurred_at: at,
    acs_system_id: id,
    acs_credential_id: id,
    connected_account_id: id,
  }
}
