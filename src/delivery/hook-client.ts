import type { Socket } from 'node:net'
import { Pool, buildConnector, errors } from 'undici'
import type { Hook } from '../config/hook.ts'
import type { ClaimedDelivery } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Deadline } from '../time/deadline.ts'
import { VERSION } from '../version.ts'
import { Exchange } from './exchange.ts'
import { createSigner } from './signature.ts'
import type { Sign } from './signature.ts'
import { traceparent } from './traceparent.ts'
import { createHiding } from './without-secrets.ts'

/** What goes over the wire of a delivery. */
export type SentDelivery = Pick<ClaimedDelivery, 'webhookId' | 'body' | 'attempt'>

/** Builds, signs and sends one hook's requests, over connections of its own: no other hook waits for them. */
export class HookClient {
  readonly #hook: Hook
  readonly #clock: Clock
  readonly #path: string
  readonly #pool: Pool
  readonly #sign: Sign | null
  readonly #hide: (answer: Buffer) => Buffer
  readonly #fixedHeaders: string[]
  readonly #connector = buildConnector({ allowH2: false, timeout: 0 })
  readonly #connecting = new Set<Socket>()

  constructor(hook: Hook, clock: Clock) {
    const url = new URL(hook.url)
    this.#hook = hook
    this.#clock = clock
    this.#path = url.pathname + url.search
    this.#sign = hook.secrets.length > 0 ? createSigner(hook.secrets) : null
    this.#hide = createHiding(hook)
    this.#fixedHeaders = [
      ...Object.entries(hook.headers).flat(),
      'content-type',
      'application/json',
      'user-agent',
      `seam-relay/${VERSION}`,
    ]
    this.#pool = new Pool(url.origin, {
      connections: hook.concurrency,
      allowH2: false,
      connect: (options, callback) => this.#connect(options, callback),
      // The exchange has one deadline for the whole attempt. These two would start again with every byte.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /**
   * Sends one signed POST. The exchange ends within the hook's `timeoutMs`, whatever the receiver does, and also if
   * the request cannot even be built: one delivery that cannot be sent must not stop the others.
   */
  send(delivery: SentDelivery): Exchange {
    const exchange = new Exchange(this.#hook.timeoutMs, this.#clock, this.#hide)
    try {
      const headers = this.#headersOf(delivery)
      this.#pool.dispatch({ method: 'POST', path: this.#path, headers, body: delivery.body }, exchange)
    } catch (error) {
      exchange.failToSend(error)
    }
    return exchange
  }

  /** Closes the connections once the attempts under way have ended; nothing may be sent any more. */
  async drain(): Promise<void> {
    await this.#pool.close()
  }

  /** Closes the connections, those in use too. */
  async close(): Promise<void> {
    const destroyed = this.#pool.destroy()
    for (const socket of this.#connecting) socket.destroy(new errors.ClientDestroyedError())
    await destroyed
  }

  #headersOf(delivery: SentDelivery): string[] {
    const timestamp = String(Math.floor(this.#clock.wallMs() / 1000))
    const headers = [
      ...this.#fixedHeaders,
      'webhook-id',
      delivery.webhookId,
      'webhook-timestamp',
      timestamp,
      'seam-relay-attempt',
      String(delivery.attempt),
      'traceparent',
      traceparent(delivery.webhookId),
    ]
    if (this.#sign !== null) {
      headers.push('webhook-signature', this.#sign(delivery.webhookId, timestamp, delivery.body))
    }
    return headers
  }

  /**
   * Opens a connection, and gives it up no later than the attempt that it is opened for. The connector's own time-out
   * is late by up to a second, and the pool does not know of a connection that is still being opened.
   */
  #connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    // It gives back the socket, which its type does not say.
    const socket = this.#connector(options, (...result) => {
      deadline.close()
      this.#connecting.delete(socket)
      callback(...result)
    }) as unknown as Socket
    const deadline = new Deadline(this.#clock, this.#hook.timeoutMs, () =>
      socket.destroy(new errors.ConnectTimeoutError()),
    )
    this.#connecting.add(socket)
  }
}
