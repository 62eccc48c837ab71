import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { judge } from '../../src/events/judge.ts'
import type { JudgedEvent } from '../../src/events/judge.ts'
import type { Reader } from '../../src/store/reader.ts'
import type { ReplayJob, ReplayScope } from '../../src/store/replay-jobs.ts'
import type {
  AcceptRequest,
  ClaimResult,
  ClaimWant,
  ClaimedDelivery,
  NextState,
  SettleResult,
  Settlement,
  Store,
} from '../../src/store/store.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

/** A store with the reader that people's questions about it go to. */
export type ReadableStore = Store & { reader: Reader }

/** Long enough that no lease or delay of this length runs out while a test does. */
export const LONG_MS = 600_000

/** Short enough to be waited for. */
export const SHORT_LEASE_MS = 30

/** A new event for these hooks, as the relay asks the store to take it in. */
export function acceptance({
  event = judged(JSON.stringify(credentialEvent())),
  hooks = [],
}: { event?: JudgedEvent; hooks?: string[] } = {}): AcceptRequest {
  return {
    dedupKey: event.eventId,
    webhookId: event.eventId,
    messageId: newMessageId(),
    source: 'webhook',
    event,
    deliveries: hooks.map((hook) => ({ hook })),
  }
}

/** As much as is due at the hook, leased for longer than a test takes, unless it says otherwise. */
export function wanting(hook: string, rest: Partial<Omit<ClaimWant, 'hook'>> = {}): ClaimWant {
  return { hook, limit: 1000, maxBytes: 100_000_000, leaseMs: LONG_MS, ...rest }
}

/** Everything that is due at these hooks, leased for longer than a test takes unless it says otherwise. */
export async function claim(
  store: Store,
  hooks: string[],
  { limit = 1000, leaseMs = LONG_MS }: { limit?: number; leaseMs?: number } = {},
): Promise<ClaimedDelivery[]> {
  return (await store.claim(hooks.map((hook) => wanting(hook, { limit, leaseMs })))).deliveries
}

export async function claimOne(store: Store, hook: string, leaseMs = LONG_MS): Promise<ClaimedDelivery> {
  const [delivery, more] = await claim(store, [hook], { leaseMs })
  if (delivery === undefined || more !== undefined) throw new Error(`not one delivery is due at ${hook}`)
  return delivery
}

export async function settleOne(
  store: Store,
  delivery: ClaimedDelivery,
  next: NextState,
): Promise<SettleResult> {
  const answers = await store.settle([settlement(delivery, next)])
  expect(answers).toHaveLength(1)
  return answers[0] as SettleResult
}

export function claimAll(store: Store, hooks: string[], leaseMs = LONG_MS): Promise<ClaimResult> {
  return store.claim(hooks.map((hook) => wanting(hook, { leaseMs })))
}

/** Waits until something is due at the hook, and claims it. */
export function claimable(store: Store, hook: string, leaseMs = LONG_MS): Promise<ClaimedDelivery> {
  return until(`something due at ${hook}`, async () => (await claim(store, [hook], { limit: 1, leaseMs }))[0])
}

export function settlement(
  { eventSeq, hook, leaseToken }: ClaimedDelivery,
  next: NextState,
  { errorCode = null }: { errorCode?: string | null } = {},
): Settlement {
  const record = { durationMs: 5, status: 200, errorCode, answer: null }
  return { eventSeq, hook, leaseToken, record, next }
}

/** The delivery is put back without having been sent. */
export function unsent({ eventSeq, hook, leaseToken, failures }: ClaimedDelivery): Settlement {
  return { eventSeq, hook, leaseToken, record: null, next: { state: 'pending', delayMs: 0, failures } }
}

export function dead(failures: number): NextState {
  return { state: 'dead', failures }
}

export function pendingFor(delayMs: number): NextState {
  return { state: 'pending', delayMs, failures: 9 }
}

export function judged(text: string): JudgedEvent {
  const judgement = judge(Buffer.from(text), ['*'])
  if (judgement.kind !== 'event') throw new Error('the test meant this to be an event')
  return judgement.event
}

/** The same webhook id with other content, for another hook. */
export function changedContent(request: AcceptRequest): AcceptRequest {
  const event = credentialEvent({ event_id: request.event.eventId, acs_credential_id: randomUUID() })
  return { ...request, event: judged(JSON.stringify(event)), deliveries: [{ hook: 'b' }] }
}

export function keyOf({ eventSeq, hook }: ClaimedDelivery): string {
  return `${eventSeq} to ${hook}`
}

export function countHooks(deliveries: readonly ClaimedDelivery[]): Record<string, number> {
  return countBy(deliveries.map(({ hook }) => hook))
}

export function countOutcomes(results: readonly { outcome: string }[]): Record<string, number> {
  return countBy(results.map(({ outcome }) => outcome))
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** A new event about this credential, or about none. */
export function acceptanceAbout(credentialId: string | null, hooks: string[] = ['a']): AcceptRequest {
  const event = credentialEvent()
  if (credentialId !== null) {
    return acceptance({ event: judged(JSON.stringify({ ...event, acs_credential_id: credentialId })), hooks })
  }
  const { acs_credential_id: _, ...rest } = { ...event, event_type: 'device.connected' }
  return acceptance({ event: judged(JSON.stringify(rest)), hooks })
}

/** Takes events in one after the other and gives back the requests. */
export async function acceptEach(store: Store, requests: AcceptRequest[]): Promise<AcceptRequest[]> {
  for (const request of requests) await store.accept(request)
  return requests
}

/** Claims all that is due at the hook and settles it alike. */
export async function settleAll(store: Store, hook: string, next: NextState): Promise<void> {
  const claimed = await claim(store, [hook])
  await store.settle(claimed.map((delivery) => settlement(delivery, next)))
}

/**
 * Waits a few milliseconds and gives a moment that lies after all that was asked of the store before and before all that
 * is asked of it from now on. The store's time and the wall clock are cut to whole milliseconds at different moments.
 */
export async function aLaterTime(): Promise<number> {
  const was = Date.now()
  await until('the clock to go on', () => Date.now() > was + 6)
  return was + 3
}

/** To whole minutes: what has just begun is so what it was meant to be. */
export function roundedUp(ms: number | null): number | null {
  return ms === null ? null : Math.ceil(ms / 60_000) * 60_000
}

/** A new event of its own credential whose body has exactly so many bytes, most of them this character. */
export function acceptanceOfSize(bytes: number, character = 'x', hooks: string[] = ['a']): AcceptRequest {
  const event = { ...credentialEvent(), note: '' }
  const room = bytes - Buffer.byteLength(JSON.stringify(event))
  const width = Buffer.byteLength(character)
  event.note = character.repeat(Math.floor(room / width)) + '.'.repeat(room % width)
  return acceptance({ event: judged(JSON.stringify(event)), hooks })
}

/** Begins a replay, and leaves it there. */
export function beginReplay(
  store: Store,
  scope: ReplayScope,
  perSecond: number | null = null,
): Promise<ReplayJob> {
  return store.createReplay({ id: randomUUID(), scope, perSecond, wouldReplay: 0 })
}

/** Takes all the steps of a replay that are left, each of so many deliveries, and tells how many were put back. */
export async function stepToEnd(
  store: Store,
  id: string,
  limit = 1000,
  orderedHooks: readonly string[] = [],
): Promise<number> {
  let replayed = 0
  await until('the replay to end', async () => {
    const step = await store.stepReplay({ id, limit, pauseMs: 0, orderedHooks })
    replayed += step.replayed
    return step.isLast
  })
  return replayed
}

/** A whole replay. What was counted before is what was put back. */
export async function replay(
  store: ReadableStore,
  scope: ReplayScope,
  limit?: number,
): Promise<{ replayed: number }> {
  const counted = await countReplay(store, scope)
  const { id } = await beginReplay(store, scope)
  const replayed = await stepToEnd(store, id, limit)
  expect(replayed).toBe(counted)
  return { replayed }
}

export async function countReplay(store: ReadableStore, scope: ReplayScope, limit = 1000): Promise<number> {
  let { count, next } = await store.reader.countReplay({ scope, limit })
  while (next !== null) {
    const step = await store.reader.countReplay({ scope, limit, after: next })
    count += step.count
    next = step.next
  }
  return count
}
