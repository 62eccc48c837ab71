import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import type { HookName } from './hooks-file.ts'
import type { Hold } from './ledgers.ts'
import type { Replica } from './replica.ts'

/** What a person asks of the operator's API, at any replica. */
export type Asked =
  | { kind: 'replay'; hook: HookName | null; perSecond: number | null; ofLastMs: number | null }
  /** Paused, and resumed so much later. */
  | { kind: 'pause'; hook: HookName; forMs: number }

export interface PersonOptions {
  token: string
  replicas: readonly Replica[]
  /** The ledger of pauses that it writes to. */
  holds: Hold[]
}

const TRY_AGAIN_MS = 200
const PATIENCE_MS = 10_000
/** A hook that was removed from the file cannot be paused, and a database that is away takes nothing. Then it was not to be. */
const TRIES = 40

/** The person who runs the relays, with the operator's token. */
export class Person {
  readonly #options: PersonOptions
  /** How many replays were begun, as far as the answers tell. */
  replays = 0

  constructor(options: PersonOptions) {
    this.#options = options
  }

  async ask(asked: Asked): Promise<void> {
    if (asked.kind === 'replay') {
      const { hook, perSecond, ofLastMs } = asked
      const body = {
        states: ['dead', 'delivered'],
        ...(hook === null ? {} : { hook }),
        ...(perSecond === null ? {} : { per_second: perSecond }),
        ...(ofLastMs === null ? {} : { since: new Date(Date.now() - ofLastMs).toISOString() }),
      }
      if (await this.#insist('/api/replay', body)) this.replays++
      return
    }
    const { hook, forMs } = asked
    if (!(await this.#insist(`/api/hooks/${hook}/pause`, { reason: 'torture' }))) return
    const hold: Hold = { hook, from: performance.now(), to: Infinity }
    this.#options.holds.push(hold)
    await delay(forMs)
    hold.to = performance.now()
    await this.resume(hook)
  }

  /** Until it is answered: nothing may stay paused. */
  async resume(hook: HookName): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++)
      if (await this.#insist(`/api/hooks/${hook}/resume`, {})) return
    throw new Error(`${hook} could not be resumed`)
  }

  /** Asks one replica after the other, as a person would. @returns whether it was done */
  async #insist(path: string, body: object): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const replica = this.#options.replicas[tries % this.#options.replicas.length]
      const status = replica?.operatorUrl ? await this.#post(`${replica.operatorUrl}${path}`, body) : null
      if (status !== null && status < 300) return true
      // A hook that is not in the file now: not to be paused, then.
      if (status === 404) return false
      await delay(TRY_AGAIN_MS)
    }
    return false
  }

  async #post(url: string, body: object): Promise<number | null> {
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#options.token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      await answer.body.dump()
      return answer.statusCode
    } catch {
      // Killed or paused meanwhile. It may have been done all the same; asking again does no harm.
      return null
    }
  }
}
