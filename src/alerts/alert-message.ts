import type { OverviewInBrief } from './overview-in-time.ts'

/** What a person should hear of, by hook. */
export interface Troubles {
  deadLetters: Map<string, { count: number; webhookIds: string[] }>
  breakersOpened: Set<string>
  quarantined: QuarantinedBodies | null
  /** Events whose webhooks never came, by workspace. */
  missed: Map<string, MissedEvents>
  /** Where a workspace could not be compared with Seam's own list: from the first such span to the last. */
  gaps: Map<string, Span>
}

/** When the first and the last of them were created, milliseconds since 1970. */
export interface Span {
  since: number
  until: number
}

export interface MissedEvents extends Span {
  missed: number
  recovered: number
}

/** Webhooks that Seam signed and that were set aside. */
export interface QuarantinedBodies {
  /** Their bodies fit no schema. */
  misfits: number
  /** Their `event_id` is known with other content. */
  conflicts: number
  /** Of the first ones, as the store names them. */
  ids: string[]
  /** When the first of them came, wall clock, milliseconds since 1970. */
  sinceMs: number
}

/** The JSON that is posted. Slack shows `text`; the other fields are for programs. */
export interface AlertMessage {
  text: string
  dead_letters: { hook: string; count: number; webhook_ids: string[] }[]
  breakers_opened: string[]
  quarantined: { misfits: number; conflicts: number; ids: string[]; since: string | null }
  missed: { workspace_id: string; missed: number; recovered: number; since: string; until: string }[]
  gaps: { workspace_id: string; since: string; until: string }[]
  /** What `GET /api/overview` says at this moment; `null` if it could not be read in time. */
  overview: OverviewInBrief | null
  at: string
}

/** `text` names this many hooks; `dead_letters` and `breakers_opened` name all of them. */
const HOOKS_IN_TEXT = 10

/**
 * Writes the message: hook names, counts, ids and what to do. It never holds a payload, a secret or a URL.
 * @param overview `null`: it could not be read
 * @param atMs wall clock, milliseconds since 1970
 */
export function alertMessage(
  { deadLetters, breakersOpened, quarantined, missed, gaps }: Troubles,
  overview: OverviewInBrief | null,
  atMs: number,
): AlertMessage {
  const parts: string[] = []
  if (deadLetters.size > 0) parts.push(deadLettersText(deadLetters))
  if (breakersOpened.size > 0) parts.push(breakersText([...breakersOpened]))
  if (quarantined !== null) parts.push(quarantinedText(quarantined))
  for (const one of missed.values()) parts.push(missedText(one))
  for (const [workspaceId, gap] of gaps) parts.push(gapText(workspaceId, gap))
  if (overview !== null) parts.push(`Overview: ${asSlackText(overview.sentence)}`)
  const { misfits = 0, conflicts = 0, ids = [], sinceMs } = quarantined ?? {}
  return {
    text: `seam-relay: ${parts.join(' ')}`,
    dead_letters: [...deadLetters].map(([hook, { count, webhookIds }]) => ({
      hook,
      count,
      webhook_ids: webhookIds,
    })),
    breakers_opened: [...breakersOpened],
    quarantined: {
      misfits,
      conflicts,
      ids,
      since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
    },
    missed: [...missed].map(([workspace_id, one]) => ({
      workspace_id,
      missed: one.missed,
      recovered: one.recovered,
      ...timesOf(one),
    })),
    gaps: [...gaps].map(([workspace_id, gap]) => ({ workspace_id, ...timesOf(gap) })),
    overview,
    at: new Date(atMs).toISOString(),
  }
}

/** The sentence may quote what a person wrote. Slack would make mentions and links of what stands in angle brackets. */
function asSlackText(sentence: string): string {
  return sentence.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function deadLettersText(deadLetters: Troubles['deadLetters']): string {
  const hooks = [...deadLetters].map(([hook, { count }], index) => {
    if (index > 0) return `${count} to ${hook}`
    return count === 1 ? `1 delivery to ${hook}` : `${count} deliveries to ${hook}`
  })
  const single = deadLetters.size === 1 && deadLetters.values().next().value?.count === 1
  const became = single ? 'became a dead letter' : 'became dead letters'
  return `${listed(hooks)} ${became}; nothing is lost. Look for the reason in the log, mend the hook, then replay them.`
}

function breakersText(hooks: readonly string[]): string {
  const what = hooks.length === 1 ? 'the breaker' : 'the breakers'
  const them = hooks.length === 1 ? 'its receiver' : 'their receivers'
  return `${what} of ${listed(hooks)} opened: check that ${them} can be reached. Deliveries wait and go on by themselves.`
}

function quarantinedText(quarantined: QuarantinedBodies): string {
  const count = quarantined.misfits + quarantined.conflicts
  const webhooks = count === 1 ? '1 signed webhook was' : `${count} signed webhooks were`
  const since = toSecond(new Date(quarantined.sinceMs).toISOString())
  return `${webhooks} set aside in quarantine since ${since}, ${reasonsOf(quarantined)}: no hook gets ${count === 1 ? 'it' : 'them'}. See why with the queries in docs/operations.md, and if Seam has changed its events, look for a newer seam-relay.`
}

function reasonsOf({ misfits, conflicts }: QuarantinedBodies): string {
  if (conflicts === 0) return `because ${misfits === 1 ? 'the body fits' : 'their bodies fit'} no schema`
  if (misfits === 0) {
    return `because ${conflicts === 1 ? 'its event_id is' : 'their event_ids are'} known with other content`
  }
  return `${misfits} of them because the body fits no schema, ${conflicts} because the event_id is known with other content`
}

function missedText(events: MissedEvents): string {
  const { missed, recovered } = events
  const left = missed - recovered
  const end = left === 0 ? (missed === 1 ? 'recovered' : 'all recovered') : `${left} not recovered`
  const count = missed === 1 ? '1 event was' : `${missed} events were`
  return `${count} missed between ${spanText(events)}, ${end}. See why their webhooks did not come: the endpoint in Seam Console, your proxy, or seam-relay was down.`
}

function gapText(workspaceId: string, gap: Span): string {
  return `events of workspace ${workspaceId} may be missing between ${spanText(gap)}: Seam's API did not list them in full. Look at the credentials of that time in Seam Console.`
}

function spanText(span: Span): string {
  const { since, until } = timesOf(span)
  return `${toSecond(since)} and ${toSecond(until)}`
}

function timesOf({ since, until }: Span): { since: string; until: string } {
  return { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
}

/** A person reads it. */
function toSecond(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}

function listed(items: readonly string[]): string {
  const named = items.slice(0, HOOKS_IN_TEXT)
  const others = items.length - named.length
  if (others > 0) named.push(others === 1 ? '1 other hook' : `${others} other hooks`)
  const last = named.at(-1) ?? ''
  return named.length < 2 ? last : `${named.slice(0, -1).join(', ')} and ${last}`
}
