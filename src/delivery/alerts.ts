import { Agent, request } from 'undici'
import type { Logger } from '../observability/logger.ts'
import { VERSION } from '../version.ts'
import { alertMessage } from './alert-message.ts'
import type { Troubles } from './alert-message.ts'
import { errorCodeOf } from './outcome.ts'

export interface AlertsOptions {
  /** Where the announcements are posted; without it nothing happens. */
  url: string | undefined
  log: Logger
  /** How long the first alert waits for others to go with it. */
  gatherMs?: number
  /** At most one message goes out in this time. */
  intervalMs?: number
}

const GATHER_MS = 1000
const INTERVAL_MS = 60_000
const DEADLINE_MS = 10_000
/** What is gathered when the relay stops has this long to go out. */
const STOP_MS = 2000
/** Enough to find the first ones by; the operator listener knows them all. */
const KEPT_IDS = 10

/**
 * Announces dead letters and opened breakers, gathered, so that an outage is one message a minute and not thousands.
 * It never throws and never makes a delivery wait; what could not be announced goes into the next message.
 */
export class Alerts {
  readonly #url: string | undefined
  readonly #log: Logger
  readonly #gatherMs: number
  readonly #intervalMs: number
  readonly #cut = new AbortController()
  #gathered = nothing()
  #earliestAt = 0
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> | null = null
  #stopped: Promise<void> | null = null

  constructor({ url, log, gatherMs = GATHER_MS, intervalMs = INTERVAL_MS }: AlertsOptions) {
    this.#url = url
    this.#log = log
    this.#gatherMs = gatherMs
    this.#intervalMs = intervalMs
  }

  deadLetter(hook: string, webhookId: string): void {
    if (this.#url === undefined) return
    addDeadLetters(this.#gathered, hook, 1, [webhookId])
    this.#schedule()
  }

  breakerOpened(hook: string): void {
    if (this.#url === undefined) return
    this.#gathered.breakersOpened.add(hook)
    this.#schedule()
  }

  /** Sends what is gathered, if that can be done at once, and ends. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const cut = setTimeout(() => this.#cut.abort(), STOP_MS)
    await this.#sending
    await this.#send()
    clearTimeout(cut)
  }

  #schedule(): void {
    if (this.#timer !== null || this.#sending !== null || this.#stopped !== null) return
    const delayMs = Math.max(this.#gatherMs, this.#earliestAt - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#sending = this.#send().finally(() => {
        this.#sending = null
        if (!isNothing(this.#gathered)) this.#schedule()
      })
    }, delayMs)
    this.#timer.unref()
  }

  async #send(): Promise<void> {
    const url = this.#url
    if (url === undefined || isNothing(this.#gathered) || this.#cut.signal.aborted) return
    const troubles = this.#gathered
    this.#gathered = nothing()
    this.#earliestAt = performance.now() + this.#intervalMs
    const problem = await this.#post(url, JSON.stringify(alertMessage(troubles, new Date())))
    if (problem === null) return
    this.#log.warn(problem, 'an alert could not be sent; it goes with the next one')
    this.#putBack(troubles)
  }

  /** @returns `null` if the receiver took it, or what to log */
  async #post(url: string, body: string): Promise<{ code: string; status: number | null } | null> {
    // Messages are a minute apart at least: a connection kept until then would be a stale one.
    const agent = new Agent()
    const signal = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(DEADLINE_MS)])
    try {
      const headers = { 'content-type': 'application/json', 'user-agent': `seam-relay/${VERSION}` }
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        headers,
        body,
        signal,
        dispatcher: agent,
      })
      await answer.dump({ limit: 65_536, signal }).catch(() => {})
      if (statusCode >= 200 && statusCode < 300) return null
      return { code: 'http_status', status: statusCode }
    } catch (error) {
      return { code: signal.aborted ? 'timeout' : errorCodeOf(error, false), status: null }
    } finally {
      await agent.destroy()
    }
  }

  /** The older ones keep their place before what has been gathered since. */
  #putBack(troubles: Troubles): void {
    const since = this.#gathered
    this.#gathered = troubles
    for (const [hook, { count, webhookIds }] of since.deadLetters)
      addDeadLetters(troubles, hook, count, webhookIds)
    for (const hook of since.breakersOpened) troubles.breakersOpened.add(hook)
  }
}

function nothing(): Troubles {
  return { deadLetters: new Map(), breakersOpened: new Set() }
}

function isNothing({ deadLetters, breakersOpened }: Troubles): boolean {
  return deadLetters.size === 0 && breakersOpened.size === 0
}

/** It grows with the number of hooks and not with that of dead letters. */
function addDeadLetters(
  { deadLetters }: Troubles,
  hook: string,
  count: number,
  ids: readonly string[],
): void {
  const of = deadLetters.get(hook) ?? { count: 0, webhookIds: [] }
  of.count += count
  of.webhookIds.push(...ids.slice(0, KEPT_IDS - of.webhookIds.length))
  deadLetters.set(hook, of)
}
