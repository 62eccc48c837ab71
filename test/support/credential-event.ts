import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { CredentialEvent } from '../../src/events/event.ts'

/** A valid credential event with an id of its own. */
export function credentialEvent(
  overrides: Partial<CredentialEvent> & Record<string, unknown> = {},
): CredentialEvent {
  return {
    event_id: randomUUID(),
    event_type: 'acs_credential.issued',
    workspace_id: 'b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10',
    created_at: '2026-03-01T10:00:00.000Z',
    occurred_at: '2026-03-01T09:59:59.123456Z',
    acs_system_id: '6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e',
    acs_credential_id: randomUUID(),
    connected_account_id: 'c0a8012e-1111-4222-8333-944445555666',
    ...overrides,
  } as CredentialEvent
}

/** That many valid credential events, each with an id and a credential of its own. */
export function credentialEvents(count: number): CredentialEvent[] {
  return Array.from({ length: count }, () => credentialEvent())
}

/** The four examples of Seam's documentation, all with the all-zero event id. */
export const documentedEvents = fixture('documented.json') as CredentialEvent[]

/** Further shapes that Seam is known to send, each with what is special about it. */
export const eventsAsSent = fixture('as-sent.json') as { why: string; event: CredentialEvent }[]

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'))
}
