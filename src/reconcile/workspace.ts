import { createHash } from 'node:crypto'
import type { Clock } from '../time/clock.ts'
import { rowIdOfKey } from '../store/reconciliations.ts'
import type { ApiResult } from './seam-api.ts'
import { SeamApi } from './seam-api.ts'
import { PAGE_EVENTS } from './read-span.ts'
import type { List } from './read-span.ts'
import { exclusiveEnds } from './span.ts'

/** Failures that say nothing of the key or of the way to Seam: the list itself may work all the same. */
const ONLY_THE_NAME_IS_MISSING = ['refused', 'misfit', 'server_error']
/** With a clock that is off by more no webhook would verify, so more is believed neither of Seam's clock nor of this one. */
const MAX_AHEAD_MS = 300_000

/** One key of SEAM_API_KEY, and what is known of its workspace. */
export class KeyedWorkspace {
  /** Tells keys apart without showing them. */
  readonly keyPrint: string
  /** `null` until Seam has told it. */
  workspaceId: string | null = null
  /** Failures one after the other. */
  failures = 0
  /** What the last failure was, if it has been said. */
  saidCode: string | null = null
  /** Steady milliseconds: not asked before. */
  nextAt = -Infinity
  readonly #api: SeamApi
  readonly #clock: Clock
  readonly #eventTypes: readonly string[] | null
  /** By how much Seam's clock is ahead of this machine's. */
  #seamAheadMs = 0

  constructor(options: { url: string; key: string; clock: Clock; eventTypes: readonly string[] | null }) {
    const { url, key, clock, eventTypes } = options
    this.keyPrint = createHash('sha256').update(key).digest('hex').slice(0, 12)
    this.#api = new SeamApi({ url, key, clock })
    this.#clock = clock
    this.#eventTypes = eventTypes
  }

  /** What Seam's clock shows, as far as its answers tell. Events carry its times. */
  seamNowMs(): number {
    return Math.floor(this.#clock.wallMs() + this.#seamAheadMs)
  }

  /**
   * Asks which workspace the key belongs to, each time: a key can be revoked. Where Seam does not say, what is compared is kept
   * under the key, and goes over to the workspace once that is known.
   */
  async find(): Promise<ApiResult<string>> {
    const result = this.#learnTime(await this.#api.findWorkspace())
    if (!result.ok) {
      if (!ONLY_THE_NAME_IS_MISSING.includes(result.failure.code)) return result
      return { ok: true, value: this.workspaceId ?? rowIdOfKey(this.keyPrint), seamNowMs: null }
    }
    return { ...result, value: result.value.workspaceId }
  }

  readonly list: List = async (span, offset) => {
    const { afterMs, beforeMs } = exclusiveEnds(span)
    const request = { afterMs, beforeMs, eventTypes: this.#eventTypes, limit: PAGE_EVENTS, offset }
    return this.#learnTime(await this.#api.listEvents(request))
  }

  /** Ends what is under way. May be called twice. */
  close(): Promise<void> {
    return this.#api.close()
  }

  #learnTime<T>(result: ApiResult<T>): ApiResult<T> {
    if (result.ok && result.seamNowMs !== null) {
      const aheadMs = result.seamNowMs - this.#clock.wallMs()
      this.#seamAheadMs = Math.max(-MAX_AHEAD_MS, Math.min(MAX_AHEAD_MS, aheadMs))
    }
    return result
  }
}
