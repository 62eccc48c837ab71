import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { Chance } from '../chance.ts'
import type { Replica } from '../replica.ts'

export interface ViewersOptions {
  token: string
  replicas: readonly Replica[]
  seed: number
}

const VIEWERS = 6
const STAY_MS = { low: 100, high: 4000 }
const GONE_MS = { low: 50, high: 1000 }

/** People whose pages follow the stream of a replica for a while, go away without a word, and come back. Some do not read. */
export class Viewers {
  readonly #options: ViewersOptions
  readonly #chance: Chance
  readonly #agent = new Agent()
  readonly #ending = new AbortController()
  #watching: Promise<unknown> = Promise.resolve()
  /** How often one has come. */
  visits = 0

  constructor(options: ViewersOptions) {
    this.#options = options
    this.#chance = new Chance(options.seed, 'viewers')
  }

  start(): void {
    this.#watching = Promise.all(Array.from({ length: VIEWERS }, () => this.#comeAndGo()))
    // A failure is reported by `end`.
    this.#watching.catch(() => {})
  }

  /** All of them have gone, with their connections. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#watching
    await this.#agent.destroy()
  }

  async #comeAndGo(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const { operatorUrl } = this.#chance.of(this.#options.replicas)
      if (operatorUrl !== null) await this.#visit(operatorUrl)
      await delay(this.#chance.between(GONE_MS.low, GONE_MS.high))
    }
  }

  async #visit(operatorUrl: string): Promise<void> {
    const stay = AbortSignal.timeout(Math.round(this.#chance.between(STAY_MS.low, STAY_MS.high)))
    const signal = AbortSignal.any([stay, this.#ending.signal])
    const get = (path: string) =>
      request(`${operatorUrl}${path}`, {
        headers: { authorization: `Bearer ${this.#options.token}` },
        dispatcher: this.#agent,
        signal,
      })
    const doesRead = this.#chance.next() < 0.8
    try {
      for (const path of ['/api/overview', '/metrics']) await (await get(path)).body.dump()
      const { body } = await get('/api/stream')
      this.visits++
      if (doesRead) await body.dump({ limit: Infinity })
      else await ended(signal, body)
    } catch {
      // It has gone, or the replica is paused or has no store just now.
    }
  }
}

/** Holds the stream open and takes nothing from it. */
async function ended(signal: AbortSignal, body: NodeJS.EventEmitter): Promise<void> {
  body.on('error', () => {})
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
