import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { Chance } from './chance.ts'
import { PROCESS_HEADER } from './hooks-file.ts'
import type { HookName } from './hooks-file.ts'
import type { Arrival } from './ledgers.ts'

/**
 * - `well`: 204 at once, or nearly
 * - `slow`: 200 after up to half a second
 * - `failing`: 500 · `busy`: 503 with `Retry-After`, or 429 · `gone`: 410
 * - `hanging`: no answer, until the other side gives up or, at random, this one breaks off
 * - `resetting`: the connection is broken off at once
 * - `away`: nothing listens
 */
export type Mood = 'well' | 'slow' | 'failing' | 'busy' | 'gone' | 'hanging' | 'resetting' | 'away'

/** Even a receiver that is well has some in flight at any moment, so that a kill meets them. */
const WELL_MS = 15
const SLOW_MS = 500
/** Below the 15 s after which another replica takes over, so that no attempt is still under way then. */
const LONGEST_HANG_MS = 6000

/** A hook's receiver, with moods. Writes down every request. */
export class TortureReceiver {
  readonly #hook: HookName
  readonly #key: Buffer
  readonly #arrivals: Arrival[]
  readonly #chance: Chance
  readonly #port: number
  #server: Server | null = null
  #mood: Mood = 'well'

  private constructor(hook: HookName, secret: string, arrivals: Arrival[], seed: number, port: number) {
    this.#hook = hook
    this.#key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    this.#arrivals = arrivals
    this.#chance = new Chance(seed, `receiver ${hook}`)
    this.#port = port
  }

  /** @param arrivals the ledger that it writes to */
  static async start(
    hook: HookName,
    secret: string,
    arrivals: Arrival[],
    seed: number,
  ): Promise<TortureReceiver> {
    const receiver = new TortureReceiver(hook, secret, arrivals, seed, await freePort())
    await receiver.#listen()
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/${this.#hook}`
  }

  async turn(mood: Mood): Promise<void> {
    this.#mood = mood
    if (mood === 'away') await this.stop()
    else if (this.#server === null) await this.#listen()
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => {
      // A request that breaks off while its body comes is none.
      this.#handle(request, response).catch(() => response.destroy())
    })
    this.#server = server
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAt = performance.now()
    const body = await text(request)
    const { headers } = request
    const key = headers['webhook-id'] as string
    const arrival: Arrival = {
      hook: this.#hook,
      key,
      process: headers[PROCESS_HEADER] as string,
      bodyHash: hashOf(body),
      isSigned: this.#isSigned(
        key,
        headers['webhook-timestamp'] as string,
        body,
        headers['webhook-signature'],
      ),
      credential: credentialOf(body),
      arrivedAt,
      answeredAt: null,
      brokeAt: null,
      status: null,
    }
    this.#arrivals.push(arrival)
    response.once('close', () => {
      if (!response.writableFinished) arrival.brokeAt = performance.now()
    })
    await this.#answer(arrival, response)
  }

  async #answer(arrival: Arrival, response: ServerResponse): Promise<void> {
    const end = (status: number, headers: Record<string, string> = {}) => {
      // The other side has gone, or the connection was closed a moment ago by {@link stop}, which the response is told only on
      // a later turn: nobody will see an answer, and so none is written down.
      if (response.destroyed || response.socket?.destroyed !== false || arrival.brokeAt !== null) return
      arrival.answeredAt = performance.now()
      arrival.status = status
      response.writeHead(status, headers).end()
    }
    switch (this.#mood) {
      case 'well':
        await delay(this.#chance.between(0, WELL_MS))
        return end(204)
      case 'slow':
        await delay(this.#chance.between(0, SLOW_MS))
        return end(200)
      case 'failing':
        return end(500)
      case 'busy':
        return this.#chance.next() < 0.5 ? end(503, { 'retry-after': '1' }) : end(429)
      case 'gone':
        return end(410)
      case 'hanging':
        await delay(this.#chance.between(100, LONGEST_HANG_MS))
        response.destroy()
        return
      case 'resetting':
      case 'away':
        response.destroy()
    }
  }

  #isSigned(id: string, timestamp: string, body: string, signatures: unknown): boolean {
    const digest = createHmac('sha256', this.#key).update(`${id}.${timestamp}.${body}`).digest('base64')
    return typeof signatures === 'string' && signatures.split(' ').includes(`v1,${digest}`)
  }
}

export function hashOf(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('base64').slice(0, 16)
}

function credentialOf(body: string): string | null {
  try {
    return (JSON.parse(body) as { acs_credential_id?: string }).acs_credential_id ?? null
  } catch {
    return null
  }
}
