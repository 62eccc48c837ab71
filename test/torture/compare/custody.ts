import { wants, HOOK_NAMES } from '../hooks-file.ts'
import type { Ledgers, Sent, Stored, Try } from '../ledgers.ts'

/** The client's answers against the store. */
export function faultsOfCustody({ sent, stored }: Ledgers): string[] {
  const shelves = shelvesOf(stored)
  const byKey = Map.groupBy(sent.filter(isEvent), ({ key }) => key)
  return [
    ...twoRows(stored),
    ...stored.ids
      .filter(({ key }) => !byKey.has(key))
      .map(({ key }) => `stored, but never sent as an event: ${key}`),
    ...[...byKey].flatMap(([key, sends]) => faultsOfEvent(key, sends, shelves)),
    ...sent.flatMap((one) => faultsOfAnswers(one, shelves)),
    ...faultsOfQuarantine(sent, stored),
  ]
}

interface Shelves {
  ids: Map<string, Stored['ids'][number]>
  events: Map<string, Stored['events'][number]>
  hooksOf: Map<number, Set<string>>
  quarantine: Map<string, string>
}

function shelvesOf({ ids, events, deliveries, quarantine }: Stored): Shelves {
  const hooksOf = new Map<number, Set<string>>()
  for (const { seq, hook } of deliveries) hooksOf.set(seq, (hooksOf.get(seq) ?? new Set()).add(hook))
  return {
    ids: new Map(ids.map((row) => [row.key, row])),
    events: new Map(events.map((row) => [row.key, row])),
    hooksOf,
    quarantine: new Map(quarantine.map(({ id, bodyHash }) => [id, bodyHash])),
  }
}

function isEvent({ kind }: Sent): boolean {
  return kind === 'new' || kind === 'resend' || kind === 'conflict' || kind === 'sample'
}

function twoRows({ ids, events }: Stored): string[] {
  const twice = (rows: readonly { key: string }[], table: string) =>
    [...Map.groupBy(rows, ({ key }) => key)]
      .filter(([, same]) => same.length > 1)
      .map(([key, same]) => `${same.length} rows in ${table} for ${key}`)
  return [...twice(ids, 'event_ids'), ...twice(events, 'events')]
}

function answered({ tries }: Sent, said: string): Try[] {
  return tries.filter(({ answer }) => answer?.said === said && answer.status < 300)
}

function faultsOfEvent(key: string, sends: readonly Sent[], { ids, events, hooksOf }: Shelves): string[] {
  const acceptances = sends.flatMap((one) => answered(one, 'accepted').map((tried) => ({ one, tried })))
  const duplicates = sends.flatMap((one) => answered(one, 'duplicate').map(() => one))
  if (acceptances.length > 1) return [`accepted ${acceptances.length} times: ${key}`]
  const held = [...acceptances.map(({ one }) => one), ...duplicates]
  if (held.length === 0) return []
  const [id, event] = [ids.get(key), events.get(key)]
  if (id === undefined || event === undefined) return [`answered 2xx and not stored: ${key}`]
  const faults = held
    .filter(({ bodyHash }) => bodyHash !== event.bodyHash)
    .map(({ kind }) => `answered as if held, but other content is stored: ${key} (${kind})`)
  if (id.duplicates < duplicates.length) {
    faults.push(`${duplicates.length} answers "duplicate" and ${id.duplicates} counted: ${key}`)
  }
  const [acceptance] = acceptances
  if (acceptance === undefined || acceptance.tried.hooks === null) return faults
  const known = acceptance.tried.hooks
  const rows = hooksOf.get(id.seq) ?? new Set()
  for (const hook of HOOK_NAMES) {
    const isWanted = known.includes(hook) && wants(hook, acceptance.one.eventType)
    if (isWanted && !rows.has(hook)) faults.push(`accepted without a delivery for ${hook}: ${key}`)
    if (!isWanted && rows.has(hook)) faults.push(`a delivery that ${hook} did not ask for: ${key}`)
  }
  return faults
}

/** Which answers a message of each kind may have, besides those that say that it is not held. */
const ANSWERS: Record<Sent['kind'], string[]> = {
  new: ['accepted', 'duplicate', 'quarantined'],
  resend: ['accepted', 'duplicate', 'quarantined'],
  conflict: ['accepted', 'duplicate', 'quarantined'],
  sample: ['accepted', 'duplicate'],
  misfit: ['quarantined'],
  ignored: ['ignored'],
  forgery: [],
}

function faultsOfAnswers(one: Sent, { quarantine, events }: Shelves): string[] {
  const faults: string[] = []
  for (const { answer } of one.tries) {
    if (answer === null || answer.status >= 300) continue
    if (!ANSWERS[one.kind].includes(answer.said)) {
      faults.push(`a ${one.kind} was answered ${answer.status} ${answer.said}: ${one.key}`)
    }
    if (answer.said !== 'quarantined') continue
    if (quarantine.get(answer.quarantineId ?? '') !== one.bodyHash) {
      faults.push(`answered "quarantined" and not in quarantine: ${answer.quarantineId} (${one.kind})`)
    }
    // An event may be set aside only for another one that came first under its id.
    if (one.kind !== 'misfit' && events.get(one.key)?.bodyHash === one.bodyHash) {
      faults.push(`set aside although it is the content that is stored: ${one.key}`)
    }
  }
  const last = one.tries.at(-1)?.answer
  if (one.kind !== 'forgery' && (last === undefined || last === null || last.status >= 300)) {
    faults.push(
      `not taken, though everything worked again: ${one.key}, last answered ${last?.status} ${last?.said}`,
    )
  }
  const refused = one.tries.filter(({ answer }) => answer !== null && answer.status >= 400)
  const expected = one.kind === 'forgery' ? [401, 429, 503] : [429, 503]
  for (const { answer } of refused) {
    if (answer !== null && !expected.includes(answer.status)) {
      faults.push(`a ${one.kind} was refused with ${answer.status} ${answer.said}: ${one.key}`)
    }
  }
  return faults
}

function faultsOfQuarantine(sent: readonly Sent[], { quarantine }: Stored): string[] {
  const signed = new Set(
    sent.filter(({ kind }) => kind !== 'forgery' && kind !== 'ignored').map((one) => one.bodyHash),
  )
  return quarantine
    .filter(({ bodyHash }) => !signed.has(bodyHash))
    .map(({ id }) => `in quarantine, but never sent with a valid signature: ${id}`)
}
