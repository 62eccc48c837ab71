import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { Chance } from './chance.ts'
import { HOOK_NAMES } from './hooks-file.ts'
import type { Sent, Try } from './ledgers.ts'
import { requestOf } from './messages.ts'
import type { Message, Messages } from './messages.ts'
import { hashOf } from './receiver.ts'
import type { Replica } from './replica.ts'

export interface SenderOptions {
  secret: string
  /** Signs forgeries. */
  foreignSecret: string
  replicas: readonly Replica[]
  messages: Messages
  seed: number
  /** Webhooks a second, all turns together, on average. */
  perSecond: number
}

/** So many webhooks may be under way at once. */
const TURNS = 24
/** Seam's sender waits this long. */
const PATIENCE_MS = 15_000
/** Much sooner than Seam's sender, so that a run need not last for hours. */
const RETRY_MS = { low: 100, high: 1200 }

/**
 * Sends webhooks as Seam does: picks a replica at random, and sends again whatever is not answered 2xx. A forgery
 * is sent once.
 */
export class Sender {
  /** The client's ledger. */
  readonly sent: Sent[] = []
  readonly #options: SenderOptions
  readonly #agent = new Agent({ connections: TURNS, pipelining: 1 })
  readonly #chance: Chance
  #isEnding = false
  #givesUpAt = Infinity
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: SenderOptions) {
    this.#options = options
    this.#chance = new Chance(options.seed, 'sender')
  }

  start(): void {
    this.#working = Promise.all(Array.from({ length: TURNS }, () => this.#turn()))
    // A failure is reported by `end`.
    this.#working.catch(() => {})
  }

  /**
   * Begins nothing new, and waits until everything that has to be answered 2xx has been.
   * @param longestMs after that it gives up, which the comparison calls a fault of whatever is still unanswered
   */
  async end(longestMs: number): Promise<void> {
    this.#isEnding = true
    this.#givesUpAt = performance.now() + longestMs
    await this.#working
    await this.#agent.destroy()
  }

  async #turn(): Promise<void> {
    const pauseMs = (2 * TURNS * 1000) / this.#options.perSecond
    while (!this.#isEnding) {
      await this.#deliver(this.#options.messages.next())
      await delay(this.#chance.between(0, pauseMs))
    }
  }

  async #deliver(message: Message): Promise<void> {
    const { body, ...about } = message
    const sent: Sent = { ...about, bodyHash: hashOf(body), tries: [] }
    this.sent.push(sent)
    for (;;) {
      const tried = await this.#try(message)
      if (tried !== null) sent.tries.push(tried)
      const isHeld = tried?.answer !== null && tried !== null && tried.answer.status < 300
      if (isHeld || (message.kind === 'forgery' && tried !== null)) return
      if (performance.now() > this.#givesUpAt) return
      await delay(this.#chance.between(RETRY_MS.low, RETRY_MS.high))
    }
  }

  /** `null` if the replica that was picked does not listen. */
  async #try(message: Message): Promise<Try | null> {
    const { secret, foreignSecret, replicas } = this.#options
    const replica = this.#chance.of(replicas)
    const { url, hooks } = replica
    if (url === null) return null
    const { headers, body } = requestOf(message, secret, foreignSecret)
    const sentAt = performance.now()
    const answer = await this.#post(url, headers, body as string)
    const hasKnown = hooks !== null && replica.hooks === hooks && replica.url === url
    return {
      sentAt,
      endedAt: performance.now(),
      answer,
      hooks: hasKnown ? HOOK_NAMES.filter((name) => hooks.has(name)) : null,
    }
  }

  async #post(url: string, headers: Record<string, string>, body: string): Promise<Try['answer']> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    try {
      const answer = await request(`${url}/webhooks/seam`, {
        method: 'POST',
        headers,
        body,
        dispatcher: this.#agent,
        signal,
      })
      const said = (await answer.body.json()) as { status: string | number; code?: string; id?: string }
      return {
        status: answer.statusCode,
        said: said.code ?? String(said.status),
        ...(said.id !== undefined && { quarantineId: said.id }),
      }
    } catch {
      // The process was killed, or is paused. Whether it has the webhook is not known.
      return null
    }
  }
}
