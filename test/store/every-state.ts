import { expect } from 'vitest'
import type { AcceptRequest, Store } from '../../src/store/store.ts'
import { acceptance, claimOne, dead, pendingFor, settleOne, replay } from './asking.ts'
import type { ReadableStore } from './asking.ts'

// Deliveries in every state, each at the hook that is named for it, for tests of an upgrade.

/** What each one's recorded attempts are numbered, the last of them made after the upgrade. */
export const NUMBERED_ON = {
  delivered: [1, 2, 3],
  leased: [1, 3],
  pending: [1, 3, 4],
  dead: [1, 2],
  new: [1],
}
const HOOKS = Object.keys(NUMBERED_ON)

export async function fillEveryState(store: Store): Promise<AcceptRequest[]> {
  const requests = HOOKS.map((hook) => acceptance({ hooks: [hook] }))
  for (const request of requests) await store.accept(request)
  const settleNext = async (hook: string, next: Parameters<typeof settleOne>[2]) =>
    settleOne(store, await claimOne(store, hook), next)
  for (const hook of ['delivered', 'leased', 'pending']) await settleNext(hook, pendingFor(0))
  await settleNext('delivered', { state: 'delivered' })
  await settleNext('pending', pendingFor(0))
  await settleNext('dead', dead(1))
  await claimOne(store, 'leased')
  return requests
}

/**
 * SQL that makes of this what the version without lease tokens would have left: it counted leases as attempts, so the
 * one that is leased has been counted already, and one lease of the pending one was lost.
 */
export function withoutTokens(prefix: string): string {
  return `
    update ${prefix}deliveries set attempts = attempts + 1 where hook in ('leased', 'pending');
    update ${prefix}attempts set attempt = 3 where hook = 'pending' and attempt = 2;
    alter table ${prefix}deliveries drop column lease_token;
    alter table ${prefix}deliveries drop column failing_since;
    alter table ${prefix}attempts drop column lease_token;`
}

/** SQL that takes away what the version before the one that tells which programs can work on its schema had not. */
function withoutUsableFrom(prefix: string): string {
  return prefix === ''
    ? 'drop table schema_version;'
    : `alter table ${prefix}schema_version drop column usable_from;`
}

/** SQL that takes away what the version before reconciliation had not. */
function withoutReconciliation(prefix: string): string {
  return `drop table ${prefix}reconciliations; drop table ${prefix}reconciliation_findings; drop table ${prefix}reconciler;`
}

/** SQL that takes away what the version before the operator's page had not. */
function withoutPeople(prefix: string): string {
  return `
    ${withoutReconciliation(prefix)}
    ${withoutUsableFrom(prefix)}
    drop index ${prefix}${prefix === '' ? 'events_credential' : 'events_credential_blocks'}; drop index ${prefix}deliveries_given_up;
    alter table ${prefix}events drop column system_id;
    alter table ${prefix}events drop column account_id;
    alter table ${prefix}events drop column source;
    drop table ${prefix}counts; drop table ${prefix}activity; drop table ${prefix}actions; drop table ${prefix}hook_pauses;`
}

/** SQL that takes away what the version before replays in steps had not. */
export function withoutReplays(prefix: string): string {
  return `
    ${withoutPeople(prefix)}
    drop index ${prefix}quarantine_received;
    drop table ${prefix}replays;
    alter table ${prefix}deliveries drop column ended_code;`
}

/** After the upgrade: replays those that had ended, claims and settles each, and tells its number and its history. */
export async function attemptEach(store: ReadableStore, requests: readonly AcceptRequest[]) {
  expect(await replay(store, { states: ['dead', 'delivered'] })).toEqual({ replayed: 2 })
  const numbers: Record<string, number[]> = {}
  for (const [index, hook] of HOOKS.entries()) {
    const delivery = await claimOne(store, hook)
    expect(delivery.leaseToken).toBeGreaterThan(0)
    expect(await settleOne(store, delivery, { state: 'delivered' })).toBe('settled')
    const [history] = await store.reader.deliveriesOf(requests[index]?.webhookId as string)
    const recorded = history?.records.map(({ attempt }) => attempt) ?? []
    expect([history?.attempts, recorded.at(-1)]).toEqual([delivery.attempt, delivery.attempt])
    numbers[hook] = recorded
  }
  return numbers
}
