import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'svix'
import type { CredentialEvent } from '../../../src/events/event.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'

/** The header in which each delivery carries the name of the process that sent it. */
export const FROM_HEADER = 'day-process'

/** One event that a service took, or was taking when the sender was killed. */
export interface Entry {
  id: string
  credential: string
  from: string
  body: string
}

/** One of the customer's services, with a ledger of what it got. It answers by Standard Webhooks, and can be down. */
export class Service {
  readonly name: string
  readonly ledger: Entry[] = []
  /** Requests whose signature none of its secrets made. */
  unsigned = 0
  /** One of them has to have signed. */
  secrets: readonly string[]
  /** Takes what this process sends, and never answers it: so it is in flight when the process is killed. */
  withholds: { from: string; count: number } | null = null
  readonly withheld: Entry[] = []
  readonly #port: number
  #server: Server | null = null
  #isLeaving = false
  #underWay = 0

  private constructor(name: string, secret: string, port: number) {
    this.name = name
    this.secrets = [secret]
    this.#port = port
  }

  static async start(name: string, secret: string): Promise<Service> {
    const service = new Service(name, secret, await freePort())
    await service.up()
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/${this.name}`
  }

  async up(): Promise<void> {
    this.#isLeaving = false
    const server = createServer((request, response) => {
      // A request that breaks off while its body comes is none.
      this.#handle(request, response).catch(() => response.destroy())
    })
    this.#server = server
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
  }

  /** Nothing listens any more. What it has taken has been answered before, so that it does not come again. */
  async down(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#isLeaving = true
    await until('what is under way to be answered', () => this.#underWay === 0)
    this.#server = null
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const { headers } = request
    if (this.#isLeaving) return void response.writeHead(503).end()
    if (!this.#isSigned(body, headers)) {
      this.unsigned++
      return void response.writeHead(400).end()
    }
    const entry: Entry = {
      id: headers['webhook-id'] as string,
      credential: (JSON.parse(body) as CredentialEvent).acs_credential_id as string,
      from: headers[FROM_HEADER] as string,
      body,
    }
    this.ledger.push(entry)
    if (this.withholds?.from === entry.from && this.withheld.length < this.withholds.count) {
      this.withheld.push(entry)
      return
    }
    this.#underWay++
    response.once('close', () => this.#underWay--)
    response.writeHead(204).end()
  }

  #isSigned(body: string, headers: IncomingMessage['headers']): boolean {
    return this.secrets.some((secret) => {
      try {
        new Webhook(secret).verify(body, headers as Record<string, string>)
        return true
      } catch {
        return false
      }
    })
  }
}
