import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { until } from './until.ts'

export interface Received {
  headers: IncomingHttpHeaders
  body: string
  path: string
}

/** How a receiver answers: with a status, or by a function that is called once the request has been recorded. */
export type Behaviour =
  number | ((request: Received, response: ServerResponse, raw: IncomingMessage) => unknown)

/** A real HTTP server on a free port that records every request. */
export class Receiver {
  readonly received: Received[] = []
  readonly #server = createServer((raw, response) => void this.#handle(raw, response))
  behaviour: Behaviour

  private constructor(behaviour: Behaviour) {
    this.behaviour = behaviour
  }

  static async start(behaviour: Behaviour = 204): Promise<Receiver> {
    const receiver = new Receiver(behaviour)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  /** The `webhook-id` of every request so far, in order of arrival. */
  get ids(): string[] {
    return this.received.map(({ headers }) => headers['webhook-id'] as string)
  }

  /** Waits until at least this many requests have come. */
  async hasReceived(count: number): Promise<Received[]> {
    await until(`${count} requests at the receiver`, () => this.received.length >= count)
    return this.received
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #handle(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = { headers: raw.headers, body: await text(raw), path: raw.url ?? '' }
    this.received.push(request)
    if (typeof this.behaviour === 'number') response.writeHead(this.behaviour).end()
    else await this.behaviour(request, response, raw)
  }
}
