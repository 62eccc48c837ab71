import { Agent, request } from 'undici'
import { errorCodeOf } from '../delivery/outcome.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { VERSION } from '../version.ts'
import { alertMessage } from './alert-message.ts'
import type { MissedEvents, QuarantinedBodies, Span, Troubles } from './alert-message.ts'
import { overviewInTime } from './overview-in-time.ts'
import type { OverviewInBrief } from './overview-in-time.ts'

export interface AlertsOptions {
  /** Where the messages are posted. May hold a secret. */
  url: string
  /** Asked for each message. It may fail, or never answer. */
  overview: () => Promise<OverviewInBrief>
  log: Logger
  clock: Clock
  /** How long the first trouble waits, so that others can go into the same message. */
  gatherMs?: number
  /** The shortest time between two messages. */
  intervalMs?: number
}

const GATHER_MS = 1000
const INTERVAL_MS = 60_000
const DEADLINE_MS = 10_000
/** How long a message waits for the overview's sentence. A million waiting deliveries take most of a second to count. */
const OVERVIEW_MS = 3000
/** How long a stop waits for the last message, and how much of it may be spent on the sentence. */
const STOP_MS = 2000
const STOP_OVERVIEW_MS = 1000
/** A message names this many dead letters of a hook, and quarantined bodies: enough to begin looking. The store has all. */
const IDS_NAMED = 10

/**
 * Posts dead letters, opened breakers and what was quarantined to ALERT_URL, each time with the overview's sentence. Troubles are
 * gathered, so an outage is one message a minute and not thousands.
 *
 *   quiet ──trouble──▶ gathering ──time is up──▶ sending ──taken, nothing new──▶ quiet
 *                          ▲                        │
 *                          └──refused, or new ones──┘
 *
 * It never throws and never makes a delivery wait. What a receiver did not take goes into the next message.
 */
export class Alerts {
  readonly #url: string
  readonly #overview: () => Promise<OverviewInBrief>
  readonly #log: Logger
  readonly #clock: Clock
  readonly #gatherMs: number
  readonly #intervalMs: number
  readonly #cut = new AbortController()
  readonly #withoutOverview = new AbortController()
  #phase: Phase = { kind: 'quiet' }
  #gathered = nothing()
  #nextAt = -Infinity
  #stopped: Promise<void> | null = null

  constructor({ url, overview, log, clock, gatherMs = GATHER_MS, intervalMs = INTERVAL_MS }: AlertsOptions) {
    this.#url = url
    this.#overview = overview
    this.#log = log
    this.#clock = clock
    this.#gatherMs = gatherMs
    this.#intervalMs = intervalMs
  }

  deadLetter(hook: string, webhookId: string): void {
    addDeadLetters(this.#gathered, hook, 1, [webhookId])
    this.#gather()
  }

  breakerOpened(hook: string): void {
    this.#gathered.breakersOpened.add(hook)
    this.#gather()
  }

  quarantined(reason: QuarantineReason, quarantineId: string): void {
    const counts = { misfits: 0, conflicts: 0, [`${reason}s` as const]: 1 }
    addQuarantined(this.#gathered, { ...counts, ids: [quarantineId], sinceMs: this.#clock.wallMs() })
    this.#gather()
  }

  /** Webhooks never came. Said although the events were taken in: the way of the webhooks was broken. */
  eventsMissed(workspaceId: string, { missed, recovered, since, until }: MissedEvents): void {
    addMissed(this.#gathered, workspaceId, { missed, recovered, since, until })
    this.#gather()
  }

  /** A span could not be compared with Seam's own list. */
  gapFound(workspaceId: string, { since, until }: Span): void {
    addGap(this.#gathered, workspaceId, { since, until })
    this.#gather()
  }

  /** Sends what is gathered, if it can be sent within two seconds, and ends. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const cut = this.#clock.after(STOP_MS, () => this.#cut.abort())
    const hurry = this.#clock.after(STOP_OVERVIEW_MS, () => this.#withoutOverview.abort())
    if (this.#phase.kind === 'gathering') this.#phase.timer.close()
    if (this.#phase.kind === 'sending') await this.#phase.sent
    await this.#send()
    cut.close()
    hurry.close()
  }

  /** Sets the time of the next message, unless it is set, or a message is under way: its end calls again. */
  #gather(): void {
    if (this.#phase.kind !== 'quiet' || this.#stopped !== null) return
    const delayMs = Math.max(this.#gatherMs, this.#nextAt - this.#clock.steadyMs())
    const timer = this.#clock.after(delayMs, () => {
      this.#phase = { kind: 'sending', sent: this.#sendAndGoOn() }
    })
    timer.unref()
    this.#phase = { kind: 'gathering', timer }
  }

  async #sendAndGoOn(): Promise<void> {
    await this.#send()
    this.#phase = { kind: 'quiet' }
    if (!isNothing(this.#gathered)) this.#gather()
  }

  async #send(): Promise<void> {
    if (isNothing(this.#gathered) || this.#cut.signal.aborted) return
    this.#nextAt = this.#clock.steadyMs() + this.#intervalMs
    const overview = await overviewInTime({
      overview: this.#overview,
      patienceMs: OVERVIEW_MS,
      signal: this.#withoutOverview.signal,
      clock: this.#clock,
      log: this.#log,
    })
    // Taken only now, so that what came up meanwhile goes with it.
    const troubles = this.#gathered
    this.#gathered = nothing()
    const problem = await this.#post(JSON.stringify(alertMessage(troubles, overview, this.#clock.wallMs())))
    if (problem === null) return
    this.#log.warn(problem, 'alert not sent, it goes into the next one')
    this.#putBack(troubles)
  }

  /** @returns `null` if the receiver took it, otherwise what to log */
  async #post(body: string): Promise<{ code: string; status: number | null } | null> {
    // Messages are at least a minute apart, so a connection that is kept would be closed by then.
    const agent = new Agent()
    const tooLate = new AbortController()
    const deadline = this.#clock.after(DEADLINE_MS, () => tooLate.abort())
    const signal = AbortSignal.any([this.#cut.signal, tooLate.signal])
    try {
      const headers = { 'content-type': 'application/json', 'user-agent': `seam-relay/${VERSION}` }
      const answer = await request(this.#url, { method: 'POST', headers, body, signal, dispatcher: agent })
      await answer.body.dump({ limit: 65_536, signal }).catch(() => {})
      const status = answer.statusCode
      return status >= 200 && status < 300 ? null : { code: 'http_status', status }
    } catch (error) {
      return { code: signal.aborted ? 'timeout' : errorCodeOf(error, false), status: null }
    } finally {
      deadline.close()
      await agent.destroy()
    }
  }

  /** The older troubles stay in front of those gathered since. */
  #putBack(troubles: Troubles): void {
    const since = this.#gathered
    this.#gathered = troubles
    for (const [hook, { count, webhookIds }] of since.deadLetters)
      addDeadLetters(troubles, hook, count, webhookIds)
    for (const hook of since.breakersOpened) troubles.breakersOpened.add(hook)
    if (since.quarantined !== null) addQuarantined(troubles, since.quarantined)
    for (const [workspaceId, missed] of since.missed) addMissed(troubles, workspaceId, missed)
    for (const [workspaceId, gap] of since.gaps) addGap(troubles, workspaceId, gap)
  }
}

/** `misfit`: it fits no schema. `conflict`: its `event_id` is known with other content. */
export type QuarantineReason = 'misfit' | 'conflict'

type Phase =
  { kind: 'quiet' } | { kind: 'gathering'; timer: Timer } | { kind: 'sending'; sent: Promise<void> }

function nothing(): Troubles {
  return {
    deadLetters: new Map(),
    breakersOpened: new Set(),
    quarantined: null,
    missed: new Map(),
    gaps: new Map(),
  }
}

function isNothing({ deadLetters, breakersOpened, quarantined, missed, gaps }: Troubles): boolean {
  const counts = [deadLetters.size, breakersOpened.size, missed.size, gaps.size]
  return quarantined === null && counts.every((count) => count === 0)
}

/** Keeps the first ids and counts the others, so memory grows with the hooks and not with the dead letters. */
function addDeadLetters(
  { deadLetters }: Troubles,
  hook: string,
  count: number,
  ids: readonly string[],
): void {
  const ofHook = deadLetters.get(hook) ?? { count: 0, webhookIds: [] }
  ofHook.count += count
  ofHook.webhookIds.push(...ids.slice(0, IDS_NAMED - ofHook.webhookIds.length))
  deadLetters.set(hook, ofHook)
}

/** The first ones' time stays. */
function addQuarantined(troubles: Troubles, { misfits, conflicts, ids, sinceMs }: QuarantinedBodies): void {
  const all = (troubles.quarantined ??= { misfits: 0, conflicts: 0, ids: [], sinceMs })
  all.misfits += misfits
  all.conflicts += conflicts
  all.ids.push(...ids.slice(0, IDS_NAMED - all.ids.length))
}

/** One entry for each workspace, from the first missed event to the last. */
function addMissed({ missed }: Troubles, workspaceId: string, more: MissedEvents): void {
  const all = missed.get(workspaceId)
  missed.set(workspaceId, {
    missed: (all?.missed ?? 0) + more.missed,
    recovered: (all?.recovered ?? 0) + more.recovered,
    ...joined(all, more),
  })
}

function addGap({ gaps }: Troubles, workspaceId: string, more: Span): void {
  gaps.set(workspaceId, joined(gaps.get(workspaceId), more))
}

function joined(one: Span | undefined, other: Span): Span {
  return {
    since: Math.min(one?.since ?? Infinity, other.since),
    until: Math.max(one?.until ?? -Infinity, other.until),
  }
}
