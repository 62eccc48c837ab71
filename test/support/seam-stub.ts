import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** An event as Seam's API lists it. */
export type StubEvent = Record<string, unknown> & { event_id: string; created_at: string }

export interface StubRequest {
  path: string
  key: string
  body: Record<string, unknown>
}

/** What a request is answered instead of what Seam would say. Without a status, no answer ever comes. */
export interface StubAnswer {
  status?: number
  headers?: Record<string, string>
  body?: string
}

interface StubWorkspace {
  workspaceId: string
  events: StubEvent[]
  webhooks: object[]
}

/**
 * What Seam's own fake leaves out of its API: a limit, an offset, workspaces that are apart, an order that is none, a clock of
 * its own, and every way to fail.
 */
export class SeamStub {
  readonly requests: StubRequest[] = []
  /** No answer has more events than this, whatever limit was asked for. */
  maxLimit = 500
  order: 'oldest first' | 'newest first' | 'none' = 'newest first'
  offset: 'works' | 'is ignored' | 'is refused' = 'works'
  /** By how much Seam's clock, and with it what it says about its events, is ahead of this machine's. */
  clockAheadMs = 0
  /** Called for each request. What it gives is the answer. */
  intercept: ((request: StubRequest) => StubAnswer | null | Promise<StubAnswer | null>) | null = null
  readonly #workspaces = new Map<string, StubWorkspace>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))

  static async start(onFinished: (cleanUp: () => Promise<void>) => void = onTestFinished): Promise<SeamStub> {
    const stub = new SeamStub()
    stub.#server.listen(0, '127.0.0.1')
    await once(stub.#server, 'listening')
    onFinished(() => stub.stop())
    return stub
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  addKey(key: string, workspaceId: string): void {
    const others = [...this.#workspaces.values()]
    const workspace = others.find((one) => one.workspaceId === workspaceId)
    this.#workspaces.set(key, workspace ?? { workspaceId, events: [], webhooks: [] })
  }

  revoke(key: string): void {
    this.#workspaces.delete(key)
  }

  /** The workspace's events now. More can be pushed. */
  eventsOf(key: string): StubEvent[] {
    return this.#of(key).events
  }

  webhooksOf(key: string): object[] {
    return this.#of(key).webhooks
  }

  asked(path: string): StubRequest[] {
    return this.requests.filter((request) => request.path === path)
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #of(key: string): StubWorkspace {
    const workspace = this.#workspaces.get(key)
    if (workspace === undefined) throw new Error(`the stub has no key ${key}`)
    return workspace
  }

  async #handle(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await text(raw)) || '{}') as Record<string, unknown>
    const key = (raw.headers.authorization ?? '').replace(/^Bearer /, '')
    const request = { path: raw.url ?? '', key, body }
    this.requests.push(request)
    const answer = (await this.intercept?.(request)) ?? this.#answer(request)
    if (answer.status === undefined) return
    response.sendDate = false
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      date: new Date(Date.now() + this.clockAheadMs).toUTCString(),
      ...answer.headers,
    })
    response.end(answer.body ?? '{}')
  }

  #answer({ path, key, body }: StubRequest): StubAnswer {
    const workspace = this.#workspaces.get(key)
    if (workspace === undefined) {
      const error = { type: 'unauthorized', message: `the key ${key} is not known` }
      return { status: 401, body: JSON.stringify({ error, ok: false }) }
    }
    const { workspaceId: workspace_id, webhooks } = workspace
    switch (path) {
      case '/workspaces/get':
        return {
          status: 200,
          body: JSON.stringify({ workspace: { workspace_id, name: 'a test' }, ok: true }),
        }
      case '/webhooks/list':
        return { status: 200, body: JSON.stringify({ webhooks, ok: true }) }
      case '/events/list':
        return this.#list(workspace.events, body)
      default:
        return { status: 404 }
    }
  }

  #list(events: readonly StubEvent[], body: Record<string, unknown>): StubAnswer {
    const { unstable_offset: offset = 0, limit = 500, event_types: types } = body
    if (offset !== 0 && this.offset === 'is refused') return { status: 400 }
    const [after, before] = (body['between'] as [string, string]).map((time) => Date.parse(time))
    const listed = this.#ordered(
      events.filter(
        (event) =>
          isBetween(event.created_at, after as number, before as number) &&
          (types === undefined || (types as unknown[]).includes(event['event_type'])),
      ),
    )
    const first = this.offset === 'works' ? (offset as number) : 0
    const page = listed.slice(first, first + Math.min(limit as number, this.maxLimit))
    return { status: 200, body: JSON.stringify({ events: page, ok: true }) }
  }

  #ordered(events: StubEvent[]): StubEvent[] {
    switch (this.order) {
      case 'oldest first':
        return events.toSorted((one, other) => (one.created_at < other.created_at ? -1 : 1))
      case 'newest first':
        return events.toSorted((one, other) => (one.created_at > other.created_at ? -1 : 1))
      case 'none':
        // The same at each request, and neither by time nor by id.
        return events.toSorted((one, other) => (one.event_id.slice(-6) < other.event_id.slice(-6) ? -1 : 1))
    }
  }
}

/** Exclusive at both ends, to the microsecond. */
function isBetween(createdAt: string, afterMs: number, beforeMs: number): boolean {
  const [, digits = ''] = /\.(\d+)Z$/.exec(createdAt) ?? []
  const beyondMs = Number(`0.${digits.slice(3) || '0'}`)
  const at = Date.parse(createdAt.replace(/\.\d+Z$/, `.${digits.slice(0, 3).padEnd(3, '0')}Z`)) + beyondMs
  return at > afterMs && at < beforeMs
}
