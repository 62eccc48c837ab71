import type { Dispatcher } from 'undici'
import type { AttemptRecord } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { Deadline } from '../time/deadline.ts'
import { errorCodeOf, outcomeOfAnswer } from './outcome.ts'
import type { ErrorCode, Outcome } from './outcome.ts'
import { parseRetryAfter } from '../http/retry-after.ts'

/** How much of an answer is kept for the operator. */
const KEPT_ANSWER_BYTES = 1024
/** How much of an answer is read before the connection is cut. A well-behaved one ends long before. */
const MAX_ANSWER_BYTES = 65_536

/**
 * One request's life. It ends exactly once, with whichever comes first: the answer, an error, the deadline, an
 * interruption. It always ends, even if the request could not be built. If this process stood still for most of the
 * attempt, it ends as interrupted and not as a time-out: that is no failure of the hook.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>
  readonly #clock: Clock
  readonly #hide: (answer: Buffer) => Buffer
  readonly #startedAt: number
  readonly #deadline: Deadline
  #settle: ((outcome: Outcome) => void) | null = null
  #controller: Dispatcher.DispatchController | null = null
  #status: number | null = null
  #retryAfterMs: number | null = null
  #kept: Buffer[] = []
  #readBytes = 0
  #cause: Error | null = null

  /** @param hide makes of a receiver's answer what may be kept of it */
  constructor(timeoutMs: number, clock: Clock, hide: (answer: Buffer) => Buffer) {
    this.#clock = clock
    this.#hide = hide
    this.#startedAt = clock.steadyMs()
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#deadline = new Deadline(clock, timeoutMs, (end) => {
      if (end === 'stalled') this.interrupt()
      else this.#finish('timeout')
    })
  }

  /** Ends it now, unless it has ended. An answer that has begun keeps its status; otherwise it is `interrupted`. */
  interrupt(): void {
    this.#finish(this.#status === null ? 'interrupted' : 'response_incomplete')
  }

  /** The request could not be built. */
  failToSend(cause: unknown): void {
    this.#cause = cause instanceof Error ? cause : new Error('unknown')
    this.#finish('request_invalid')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The process stood still while the connection was being made. By now another replica may be sending this delivery.
    if (this.#deadline.isLongPast) this.interrupt()
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
    if (status === 429 || status === 503) {
      this.#retryAfterMs = parseRetryAfter(headers['retry-after'], this.#clock.wallMs())
    }
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
    this.#deadline.close()
    settle(this.#outcome(errorCode))
    if (errorCode !== null) this.#controller?.abort(new Error('the attempt has ended'))
  }

  #outcome(errorCode: ErrorCode | null): Outcome {
    const record: AttemptRecord = {
      durationMs: Math.round(this.#clock.steadyMs() - this.#startedAt),
      status: this.#status,
      errorCode,
      answer: this.#kept.length === 0 ? null : this.#hide(Buffer.concat(this.#kept)),
    }
    if (this.#status !== null) return outcomeOfAnswer(this.#status, this.#retryAfterMs, record)
    if (errorCode === 'interrupted') return { kind: 'interrupted', record }
    const failed: Outcome = { kind: 'failed', record, retryAfterMs: null }
    return this.#cause === null ? failed : { ...failed, cause: this.#cause }
  }
}
