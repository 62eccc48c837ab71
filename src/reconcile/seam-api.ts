import { Agent, request } from 'undici'
import { parseRetryAfter } from '../http/retry-after.ts'
import type { Clock } from '../time/clock.ts'
import { Deadline } from '../time/deadline.ts'
import { VERSION } from '../version.ts'
import { AnswerBuffer } from './answer-buffer.ts'
import type { ApiFailure, ApiFailureCode } from './api-failure.ts'
import { elementBytes } from './element-bytes.ts'

export type ApiResult<T> =
  | {
      ok: true
      value: T
      /** What Seam's clock showed, in milliseconds since 1970 and exact to a second; `null` where it did not say. */
      seamNowMs: number | null
    }
  | { ok: false; failure: ApiFailure }

export interface ListEventsRequest {
  /** Both ends are asked for exclusively, because that is how Seam takes them. Milliseconds since 1970. */
  afterMs: number
  beforeMs: number
  /** Exact names; `null` for all types. */
  eventTypes: readonly string[] | null
  limit: number
  /** How many events to pass over. Seam calls this unstable. */
  offset?: number
}

export interface Workspace {
  workspaceId: string
  name: string | null
}

/** An endpoint of Seam's own, which sends webhooks. */
export interface WebhookEndpoint {
  webhookId: string | null
  url: string
  /** `null` where Seam does not say. */
  eventTypes: readonly string[] | null
  /** For comparing only: never to be shown. `null` where Seam does not give it. */
  secret: string | null
}

export interface SeamApiOptions {
  /** The origin, without a slash at its end. */
  url: string
  key: string
  clock: Clock
  /** How long one answer may take in all, in milliseconds. */
  timeoutMs?: number
  /** How much of one answer is read. */
  maxBytes?: number
}

const TIMEOUT_MS = 20_000
/** A list of 500 events has a tenth of this. */
const MAX_BYTES = 8_388_608

/**
 * What the relay asks of Seam's API with one key: one POST each, without retries, without following redirects, bounded in
 * time and size. Nothing that it gives back holds the key, or, where it failed, anything of the answer.
 */
export class SeamApi {
  readonly #options: SeamApiOptions
  readonly #agent = new Agent({ connections: 2, allowH2: false, headersTimeout: 0, bodyTimeout: 0 })
  readonly #cut = new AbortController()
  readonly #lists = new AnswerBuffer()

  constructor(options: SeamApiOptions) {
    this.#options = options
  }

  /** The workspace that the key belongs to. */
  findWorkspace(): Promise<ApiResult<Workspace>> {
    return this.#ask('/workspaces/get', {}, (bytes) => workspaceIn(parsed(bytes)))
  }

  /**
   * The events that were created between two moments, each as the bytes that Seam sent. In no certain order.
   * The next question overwrites them: what is kept longer has to be copied.
   */
  listEvents(asked: ListEventsRequest): Promise<ApiResult<Buffer[]>> {
    const { afterMs, beforeMs, eventTypes, limit, offset = 0 } = asked
    const body = {
      between: [new Date(afterMs).toISOString(), new Date(beforeMs).toISOString()],
      limit,
      ...(eventTypes === null ? {} : { event_types: eventTypes }),
      ...(offset === 0 ? {} : { unstable_offset: offset }),
    }
    return this.#ask('/events/list', body, (bytes) => elementBytes(bytes, 'events'), this.#lists)
  }

  /** The endpoints to which Seam sends the workspace's webhooks. */
  listWebhooks(): Promise<ApiResult<WebhookEndpoint[]>> {
    return this.#ask('/webhooks/list', {}, (bytes) => endpointsIn(parsed(bytes)))
  }

  /** Ends what is under way, as `stopped`, and closes the connections. May be called twice. */
  async close(): Promise<void> {
    this.#cut.abort()
    await this.#agent.destroy()
  }

  /** @param read gives `null`, or throws, where the bytes are not what Seam documents */
  async #ask<T>(
    path: string,
    body: object,
    read: (bytes: Buffer) => T | null,
    buffer = new AnswerBuffer(),
  ): Promise<ApiResult<T>> {
    const { url, key, clock, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = this.#options
    const tooLate = new AbortController()
    const deadline = new Deadline(clock, timeoutMs, () => tooLate.abort())
    const signal = AbortSignal.any([tooLate.signal, this.#cut.signal])
    let status: number | null = null
    try {
      const answer = await request(`${url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          accept: 'application/json',
          'user-agent': `seam-relay/${VERSION}`,
        },
        body: JSON.stringify(body),
        signal,
        dispatcher: this.#agent,
      })
      status = answer.statusCode
      if (status !== 200) {
        const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], clock.wallMs())
        await answer.body.dump({ limit: 65_536, signal }).catch(() => {})
        return failed(codeOfStatus(status), status, retryAfterMs)
      }
      const bytes = await buffer.read(answer.body, maxBytes)
      if (bytes === null) return failed('too_large', status)
      const value = readable(bytes, read)
      return value === null
        ? failed('misfit', status)
        : { ok: true, value, seamNowMs: timeIn(answer.headers['date']) }
    } catch {
      if (this.#cut.signal.aborted) return failed('stopped', status)
      return failed(tooLate.signal.aborted ? 'timeout' : 'unreachable', status)
    } finally {
      deadline.close()
    }
  }
}

function failed(
  code: ApiFailureCode,
  status: number | null,
  retryAfterMs: number | null = null,
): { ok: false; failure: ApiFailure } {
  return { ok: false, failure: { code, status, retryAfterMs } }
}

function codeOfStatus(status: number): ApiFailureCode {
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 504) return 'timeout'
  if (status >= 500) return 'server_error'
  if (status >= 300 && status < 400) return 'redirect'
  return status >= 400 ? 'refused' : 'misfit'
}

function readable<T>(bytes: Buffer, read: (bytes: Buffer) => T | null): T | null {
  try {
    return read(bytes)
  } catch {
    return null
  }
}

function parsed(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString())
}

function timeIn(header: unknown): number | null {
  const at = typeof header === 'string' ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? null : at
}

function workspaceIn(value: unknown): Workspace | null {
  const { workspace_id: id, name } = fieldsOf(fieldsOf(value)['workspace'])
  if (typeof id !== 'string' || id === '' || id.length > 100) return null
  return { workspaceId: id.toLowerCase(), name: typeof name === 'string' ? name.slice(0, 200) : null }
}

function endpointsIn(value: unknown): WebhookEndpoint[] | null {
  const { webhooks } = fieldsOf(value)
  if (!Array.isArray(webhooks)) return null
  const endpoints = webhooks.map(endpointIn)
  return endpoints.every((endpoint) => endpoint !== null) ? endpoints : null
}

function endpointIn(value: unknown): WebhookEndpoint | null {
  const { webhook_id: id, url, event_types: types, secret } = fieldsOf(value)
  if (typeof url !== 'string') return null
  return {
    webhookId: typeof id === 'string' ? id : null,
    url,
    eventTypes: Array.isArray(types) ? types.filter((type) => typeof type === 'string') : null,
    secret: typeof secret === 'string' ? secret : null,
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
