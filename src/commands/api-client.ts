import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'
import { Problem } from '../operator/api/shapes/fields.ts'
import { VERSION } from '../version.ts'
import { CommandError, EXIT } from './command-error.ts'
import { harmless, harmlessIn } from './harmless.ts'
import { problemAdvice } from './problem-advice.ts'
import { unreached } from './unreached.ts'

export interface ApiAddress {
  /** Of the operator listener. */
  url: string
  token: string | undefined
}

export interface ApiAnswer<T> {
  /** As the schema knows it, and harmless to show. */
  value: T
  /** As it came: for a program. */
  raw: unknown
}

type Query = Record<string, string | number | boolean | undefined>

const CONNECT_TIMEOUT_MS = 5000
/** Counting what a replay would send, or asking Seam for a long span, takes its time. */
const ANSWER_TIMEOUT_MS = 600_000

/** What every operator listener of this version answers, whatever was asked of it. */
const ALWAYS_THERE = /^\/api\/(overview|search|stream)\b/

/** Asks the operator's API of a running seam-relay. Whatever goes wrong comes out as a `CommandError`. */
export class ApiClient {
  readonly #url: string
  readonly #token: string | undefined
  readonly #agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  })

  constructor({ url, token }: ApiAddress) {
    this.#url = url.replace(/\/+$/, '')
    this.#token = token
  }

  get<S extends TSchema>(schema: S, path: string, query: Query = {}): Promise<ApiAnswer<Static<S>>> {
    const asked = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) asked.set(name, String(value))
    }
    return this.#ask(schema, 'GET', asked.size === 0 ? path : `${path}?${asked.toString()}`)
  }

  post<S extends TSchema>(schema: S, path: string, body: object): Promise<ApiAnswer<Static<S>>> {
    return this.#ask(schema, 'POST', path, JSON.stringify(body))
  }

  delete<S extends TSchema>(schema: S, path: string): Promise<ApiAnswer<Static<S>>> {
    return this.#ask(schema, 'DELETE', path)
  }

  /** Opens server-sent events. The body ends with the connection; `signal` ends it too. */
  async open(path: string, lastEventId: string | null, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const headers: Record<string, string> = { accept: 'text/event-stream' }
    if (lastEventId !== null) headers['last-event-id'] = lastEventId
    const { statusCode, body } = await this.#send('GET', path, { headers, signal })
    if (statusCode === 200) return body as AsyncIterable<Buffer>
    throw this.#refusal(path, statusCode, await body.text())
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #ask<S extends TSchema>(
    schema: S,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    json?: string,
  ): Promise<ApiAnswer<Static<S>>> {
    const content = json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: json }
    const { statusCode, body } = await this.#send(method, path, content)
    const text = await body.text().catch((error: unknown) => {
      throw unreached(this.#url, error, '--url')
    })
    if (statusCode < 200 || statusCode >= 300) throw this.#refusal(path, statusCode, text)
    const raw = parsed(text)
    // A newer seam-relay may say more than this version knows.
    const value: unknown = Value.Clean(schema, harmlessIn(raw))
    if (!Value.Check(schema, value)) throw this.#unknownAnswer()
    return { value, raw }
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    { headers = {}, ...rest }: { headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
  ): Promise<Dispatcher.ResponseData> {
    const bearer: Record<string, string> =
      this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    try {
      return await request(this.#url + path, {
        method,
        headers: { ...headers, ...bearer, 'user-agent': `seam-relay/${VERSION} commands` },
        dispatcher: this.#agent,
        ...rest,
      })
    } catch (error) {
      throw unreached(this.#url, error, '--url')
    }
  }

  #refusal(path: string, status: number, text: string): CommandError {
    const problem = parsed(text)
    if (!Value.Check(Problem, problem)) return this.#unknownAnswer(status)
    const { code, title, detail } = problem
    if (code === 'not_found' && ALWAYS_THERE.test(path)) return this.#unknownAnswer(status)
    const advice = problemAdvice(code)
    return new CommandError({
      code: harmless(code),
      message: harmless(title === detail ? title : `${title}: ${detail}`),
      ...(advice === undefined ? {} : { advice }),
      exitCode: code === 'request_invalid' ? EXIT.usedWrongly : EXIT.not,
    })
  }

  #unknownAnswer(status?: number): CommandError {
    const came = status === undefined ? 'an answer' : `an answer (${status})`
    return new CommandError({
      code: 'unknown_answer',
      message: `${this.#url} gives ${came} that this version of the commands does not know`,
      advice: 'Is it the operator listener of a seam-relay of this version? --url names another.',
    })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
