import { setTimeout as delay } from 'node:timers/promises'
import type { CredentialEvent } from '../../../src/events/event.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import type { Answer } from '../../support/relay.ts'
import type { RelayProcess } from '../../support/relay-process.ts'
import { untilPatiently } from '../../support/until.ts'

/** Seam's sender waits this long for an answer. */
export const SENDER_TIMEOUT_MS = 15_000

/** A webhook that was sent, and its answer. */
export interface Post {
  event: CredentialEvent
  /** Whether the database was away the whole time, from before it was sent until after it was answered. */
  whileAway: boolean
  answer: Answer
}

export interface Probe {
  path: string
  status: number
  body: string
  whileAway: boolean
}

/** Sends webhooks and probes to all of the relays without a pause, as senders and an orchestrator do. */
export class Traffic {
  readonly posts: Post[] = []
  readonly probes: Probe[] = []
  readonly #relays: readonly RelayProcess[]
  #away = false
  #changes = 0
  #ending = false
  readonly #ended: Promise<unknown>

  constructor(relays: readonly RelayProcess[]) {
    this.#relays = relays
    this.#ended = Promise.all(
      relays.flatMap((relay) => [this.#post(relay), this.#post(relay), this.#probe(relay)]),
    )
    // An error is reported by `end`.
    this.#ended.catch(() => {})
  }

  /** To be set when the database has gone, and unset before it comes back. */
  set away(away: boolean) {
    this.#away = away
    this.#changes++
  }

  acknowledged(): string[] {
    return this.posts.filter(({ answer }) => answer.status === 202).map(({ event }) => event.event_id)
  }

  /** Waits until that many more have been acknowledged. */
  async goesOn(count: number): Promise<void> {
    const before = this.acknowledged().length
    await untilPatiently('webhooks to be accepted', () => this.acknowledged().length >= before + count)
  }

  /** Waits until each relay has answered `/readyz` with this status. */
  async readiness(status: number, reason?: RegExp): Promise<void> {
    for (const relay of this.#relays) {
      await untilPatiently(`readiness to be ${status}`, async () => {
        const { status: answered, body } = await relay.readyz()
        return (answered === status && (reason?.test(body) ?? true)) || delay(100, false)
      })
    }
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#ended
  }

  async #post(relay: RelayProcess): Promise<void> {
    while (!this.#ending) {
      const event = credentialEvent()
      const { away, changes } = { away: this.#away, changes: this.#changes }
      const answer = await relay.send(event, { signal: AbortSignal.timeout(SENDER_TIMEOUT_MS) })
      this.posts.push({ event, answer, whileAway: away && changes === this.#changes })
      await delay(10)
    }
  }

  async #probe(relay: RelayProcess): Promise<void> {
    while (!this.#ending) {
      for (const path of ['/livez', '/readyz']) {
        const { away, changes } = { away: this.#away, changes: this.#changes }
        const response = await fetch(`${relay.url}${path}`)
        const body = await response.text()
        const whileAway = away && changes === this.#changes
        this.probes.push({ path, status: response.status, body, whileAway })
      }
      await delay(50)
    }
  }
}
