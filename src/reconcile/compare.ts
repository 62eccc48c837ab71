import { createHash } from 'node:crypto'
import { UUID_PATTERN } from '../events/event.ts'
import { judge } from '../events/judge.ts'
import { fingerprintOf } from '../store/fingerprint.ts'
import type { Reconciliations } from '../store/reconciliations.ts'
import type { Pacer } from './pacer.ts'
import type { Span } from './span.ts'

/** The door that webhooks come through, too. */
export type TakeIn = (
  bytes: Buffer,
  messageId: string,
  source: 'reconciliation',
) => Promise<{ status: 'accepted' | 'duplicate' | 'quarantined' | 'ignored' }>

export interface CompareOptions {
  store: Pick<Reconciliations, 'knownHashes' | 'areQuarantined'>
  receive: TakeIn
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
}

/** What one page held against the store gave. */
export interface Comparison {
  checked: number
  missed: number
  recovered: number
  oldestAt: number | null
  newestAt: number | null
  /** Of those that were missed, in the order in which they were created. */
  missedEvents: { eventId: string; createdAt: number }[]
  /** The page holds an event of another workspace. */
  isOfAnotherWorkspace: boolean
  /** Why not all that was missed could be taken in. What is counted was. */
  error: unknown
}

/** What is needed of an event until its page is compared, and no more: most are known, and are passed over. */
interface Found {
  /** A part of Seam's answer. */
  bytes: Buffer
  eventId: string
  workspaceId: string
  contentHash: string
  createdAt: number
}

const UUID = new RegExp(UUID_PATTERN)
/** Judged at once. It takes a millisecond or two. */
const SLICE = 25
/**
 * Of one answer. Should Seam's list ever differ from its webhooks in all events, a hundred of them tell a person as much as all would.
 */
const SET_ASIDE_AT_MOST = 100
/** How many are with the store at once. */
const TAKEN_IN_AT_ONCE = 50

/**
 * Holds a page of events against the store: one lookup for all of them. What was missed is taken in, oldest first. What the
 * store knows with other content, and what is no event, goes into quarantine, once.
 * @param isDryRun only counts
 */
export async function compare(
  texts: readonly Buffer[],
  about: { span: Span; workspaceId: string; isDryRun: boolean },
  options: CompareOptions,
  pacer: Pacer,
): Promise<Comparison> {
  const result: Comparison = {
    checked: 0,
    missed: 0,
    recovered: 0,
    oldestAt: null,
    newestAt: null,
    missedEvents: [],
    isOfAnotherWorkspace: false,
    error: null,
  }
  const found: Found[] = []
  const odd: { bytes: Buffer; messageId: string }[] = []
  for (let at = 0; at < texts.length; at += SLICE) {
    await pacer.work(() => {
      for (const bytes of texts.slice(at, at + SLICE)) sort(bytes, found, odd, options.acceptEventTypes)
    })
  }
  // An event names its workspace by a UUID. A workspace that is known by anything else cannot be told from another one.
  result.isOfAnotherWorkspace =
    UUID.test(about.workspaceId) && found.some(({ workspaceId }) => workspaceId !== about.workspaceId)
  if (result.isOfAnotherWorkspace) return result

  const asked = found.filter(({ createdAt }) => isAskedFor(createdAt, about.span))
  result.checked = asked.length
  for (const { createdAt } of asked) {
    result.oldestAt = Math.min(result.oldestAt ?? createdAt, createdAt)
    result.newestAt = Math.max(result.newestAt ?? createdAt, createdAt)
  }
  try {
    const hashes = await options.store.knownHashes(asked.map(({ eventId }) => eventId))
    const missed = asked.filter((_, index) => hashes[index] === null)
    const differing = asked.filter(
      ({ contentHash }, index) => hashes[index] !== null && hashes[index] !== contentHash,
    )
    if (about.isDryRun) {
      for (const one of missed) countMissed(result, one)
      return result
    }
    await takeIn(missed.toSorted(byCreation), result, options.receive)
    await setAside([...differing.map(toReceive), ...odd], options)
  } catch (error) {
    result.error = error
  }
  return result
}

/** Where Seam lists what it was not asked for, as an event that is too young, that is left for its own time. */
function isAskedFor(createdAt: number, { fromMs, toMs }: Span): boolean {
  return createdAt >= fromMs - 1 && createdAt < toMs
}

function sort(
  bytes: Buffer,
  found: Found[],
  odd: { bytes: Buffer; messageId: string }[],
  accepted: readonly string[],
): void {
  const judgement = judge(bytes, accepted)
  if (judgement.kind === 'misfit') {
    const print = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
    odd.push({ bytes: Buffer.from(bytes), messageId: `reconciliation_${print}` })
  }
  // A sample is what a person sent to try the way of a webhook: it has no id that could be compared.
  if (judgement.kind !== 'event' || judgement.event.isSample) return
  const { eventId, workspaceId, contentHash, createdAt } = judgement.event
  found.push({
    bytes,
    eventId,
    workspaceId,
    contentHash,
    createdAt: Date.parse(createdAt.replace(':60', ':59')),
  })
}

/** A copy: the memory of Seam's answer is used for the next one. */
function toReceive({ bytes, eventId }: Found): { bytes: Buffer; messageId: string } {
  return { bytes: Buffer.from(bytes), messageId: `reconciliation_${eventId}` }
}

/** One that a webhook brings at the same moment is a duplicate here, and was not missed. */
async function takeIn(missed: readonly Found[], result: Comparison, receive: TakeIn): Promise<void> {
  for (let at = 0; at < missed.length; at += TAKEN_IN_AT_ONCE) {
    const some = missed.slice(at, at + TAKEN_IN_AT_ONCE)
    const receipts = await Promise.allSettled(
      some.map((one) => {
        const { bytes, messageId } = toReceive(one)
        return receive(bytes, messageId, 'reconciliation')
      }),
    )
    for (const [index, receipt] of receipts.entries()) {
      if (receipt.status === 'rejected') result.error ??= receipt.reason
      else if (receipt.value.status === 'accepted') {
        countMissed(result, some[index] as Found)
        result.recovered++
      }
    }
    if (result.error !== null) return
  }
}

/** What lies in quarantine already is left as it is: a list that is read every few minutes would count it each time. */
async function setAside(
  bodies: readonly { bytes: Buffer; messageId: string }[],
  { store, receive }: CompareOptions,
): Promise<void> {
  if (bodies.length === 0) return
  const isThere = await store.areQuarantined(bodies.map(fingerprintOf))
  const further = bodies.filter((_, index) => isThere[index] !== true).slice(0, SET_ASIDE_AT_MOST)
  for (const { bytes, messageId } of further) await receive(bytes, messageId, 'reconciliation')
}

function countMissed(result: Comparison, { eventId, createdAt }: Found): void {
  result.missed++
  result.missedEvents.push({ eventId, createdAt })
}

function byCreation(one: Found, other: Found): number {
  return one.createdAt - other.createdAt
}
