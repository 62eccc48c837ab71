import type { Socket } from 'node:net'
import { Pool, buildConnector, errors } from 'undici'
import type { Dispatcher } from 'undici'
import type { Hook } from '../config/hook.ts'
import type { AttemptRecord, ClaimedDelivery } from '../store/store.ts'
import { VERSION } from '../version.ts'
import type { ErrorCode, Outcome } from './outcome.ts'
import { errorCodeOf, outcomeOfAnswer } from './outcome.ts'
import { parseRetryAfter } from './retry-after.ts'
import { createSigner } from './signature.ts'
import type { Sign } from './signature.ts'

/** How much of an answer is kept for the operator. */
const KEPT_ANSWER_BYTES = 1024
/** How much of an answer is read before the connection is cut. A well-behaved one ends long before. */
const MAX_ANSWER_BYTES = 65_536

/** An attempt under way. `outcome` never rejects. */
export interface Attempt {
  outcome: Promise<Outcome>
  /** Ends it now as `interrupted`, unless it has ended. */
  interrupt(): void
}

/** Sends one hook's deliveries over connections of its own, so that no other hook waits for them. */
export class HookClient {
  readonly #hook: Hook
  readonly #path: string
  readonly #pool: Pool
  readonly #sign: Sign | null
  readonly #fixedHeaders: string[]
  readonly #connector = buildConnector({ allowH2: false, timeout: 0 })
  readonly #connecting = new Set<Socket>()

  constructor(hook: Hook) {
    const url = new URL(hook.url)
    this.#hook = hook
    this.#path = url.pathname + url.search
    this.#sign = hook.secrets.length > 0 ? createSigner(hook.secrets) : null
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
      // One deadline for the whole attempt stands in for these: they start anew with every byte.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Signs and sends one POST. The attempt ends within the hook's `timeoutMs`, whatever the receiver does. */
  send(delivery: ClaimedDelivery): Attempt {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const headers = [
      ...this.#fixedHeaders,
      'webhook-id',
      delivery.webhookId,
      'webhook-timestamp',
      timestamp,
      'seam-relay-attempt',
      String(delivery.attempt),
    ]
    if (this.#sign !== null) {
      headers.push('webhook-signature', this.#sign(delivery.webhookId, timestamp, delivery.body))
    }
    const exchange = new Exchange(this.#hook.timeoutMs)
    this.#pool.dispatch({ method: 'POST', path: this.#path, headers, body: delivery.body }, exchange)
    return exchange
  }

  /** Closes the connections once what is in flight has ended; nothing may be sent any more. */
  async drain(): Promise<void> {
    await this.#pool.close()
  }

  /** Closes the connections, those in use too. */
  async close(): Promise<void> {
    const destroyed = this.#pool.destroy()
    for (const socket of this.#connecting) socket.destroy(new errors.ClientDestroyedError())
    await destroyed
  }

  /**
   * Opens a connection, and gives it up no later than the attempt that it is opened for. The connector's own
   * timeout is late by up to a second, and the pool does not know of a connection that is still being opened.
   */
  #connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    // It gives back the socket, which its type does not say.
    const socket = this.#connector(options, (...result) => {
      clearTimeout(deadline)
      this.#connecting.delete(socket)
      callback(...result)
    }) as unknown as Socket
    const deadline = setTimeout(() => socket.destroy(new errors.ConnectTimeoutError()), this.#hook.timeoutMs)
    this.#connecting.add(socket)
  }
}

/** One request and what came back; settles once, with whichever comes first: answer, error, deadline, interruption. */
class Exchange implements Attempt, Dispatcher.DispatchHandler {
  readonly outcome: Promise<Outcome>
  readonly #startedAt = performance.now()
  readonly #deadline: NodeJS.Timeout
  #settle: ((outcome: Outcome) => void) | null = null
  #controller: Dispatcher.DispatchController | null = null
  #status: number | null = null
  #retryAfterMs: number | null = null
  #kept: Buffer[] = []
  #readBytes = 0

  constructor(timeoutMs: number) {
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#deadline = setTimeout(() => this.#finish('timeout'), timeoutMs)
  }

  interrupt(): void {
    if (this.#status === null) this.#finish('interrupted')
    else this.#finish('response_incomplete')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The deadline can pass while a connection is still being made, before there is anything to abort.
    if (this.#settle === null) controller.abort(new Error('the attempt has ended'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    if (status < 200) return
    this.#status = status
    if (status === 429 || status === 503)
      this.#retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now())
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = KEPT_ANSWER_BYTES - this.#readBytes
    if (room > 0) this.#kept.push(Buffer.from(chunk.subarray(0, room)))
    this.#readBytes += chunk.length
    if (this.#readBytes > MAX_ANSWER_BYTES) this.#finish('response_incomplete')
  }

  onResponseEnd(): void {
    this.#finish(null)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(errorCodeOf(error, this.#status !== null))
  }

  #finish(errorCode: ErrorCode | null): void {
    const settle = this.#settle
    if (settle === null) return
    this.#settle = null
    clearTimeout(this.#deadline)
    settle(this.#outcome(errorCode))
    if (errorCode !== null) this.#controller?.abort(new Error('the attempt has ended'))
  }

  #outcome(errorCode: ErrorCode | null): Outcome {
    const record: AttemptRecord = {
      durationMs: Math.round(performance.now() - this.#startedAt),
      status: this.#status,
      errorCode,
      answer: this.#kept.length === 0 ? null : Buffer.concat(this.#kept),
    }
    if (this.#status !== null) return outcomeOfAnswer(this.#status, this.#retryAfterMs, record)
    if (errorCode === 'interrupted') return { kind: 'interrupted', record }
    return { kind: 'failed', record, retryAfterMs: null }
  }
}
