import { StoreError } from '../store.ts'
import { MAX_GROUP_CALLS, MAX_WAITING_BYTES, MAX_WAITING_CALLS } from '../waiting-limits.ts'

export interface GathererOptions<Request, Result> {
  /** Writes a group in one transaction; answers in its order. */
  write: (group: readonly Request[]) => Promise<Result[]>
  /** Whether a group was refused for what is in it, and not for the state of things. */
  isRefusal: (error: unknown) => boolean
  /** Bytes that a request holds while it waits. */
  sizeOf: (request: Request) => number
}

interface Call<Request, Result> {
  request: Request
  size: number
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** One statement carries all of a group. */
const MAX_GROUP_BYTES = 4_194_304

/** While one group of calls is being written, those that come gather and go into the next, so that they share a round trip and a sync. */
export class Gatherer<Request, Result> {
  readonly #options: GathererOptions<Request, Result>
  #waiting: Call<Request, Result>[] = []
  #waitingBytes = 0
  #writing = false

  constructor(options: GathererOptions<Request, Result>) {
    this.#options = options
  }

  /** Rejects with a `StoreError` if it cannot be written, or if too much is waiting already. */
  add(request: Request): Promise<Result> {
    const size = this.#options.sizeOf(request)
    if (this.#waiting.length >= MAX_WAITING_CALLS || this.#waitingBytes + size > MAX_WAITING_BYTES) {
      return Promise.reject(new StoreError('store_overloaded', 'too many calls wait for the database'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, size, resolve, reject })
      this.#waitingBytes += size
      if (this.#writing) return
      this.#writing = true
      // Not at once: those that come in the same turn go into the same group.
      setImmediate(() => void this.#writeAll())
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#write(this.#nextGroup())
    this.#writing = false
  }

  #nextGroup(): Call<Request, Result>[] {
    let bytes = 0
    let length = 0
    for (const { size } of this.#waiting) {
      if (length === MAX_GROUP_CALLS || (length > 0 && bytes + size > MAX_GROUP_BYTES)) break
      bytes += size
      length++
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, length)
  }

  async #write(group: readonly Call<Request, Result>[]): Promise<void> {
    const error = await this.#tryToWrite(group)
    if (error === null) return
    if (group.length > 1 && this.#options.isRefusal(error)) return this.#writeOneByOne(group)
    for (const { reject } of group) reject(error)
    // Once it does not answer, nobody who waits is left to wait for it once more.
    if (error instanceof StoreError && error.code === 'store_overloaded') this.#refuseWaiting(error)
  }

  /** After a group was refused: the call that it was refused for is refused, the others are not its victims. */
  async #writeOneByOne(group: readonly Call<Request, Result>[]): Promise<void> {
    for (const [index, call] of group.entries()) {
      const error = await this.#tryToWrite([call])
      if (error === null) continue
      call.reject(error)
      if (this.#options.isRefusal(error)) continue
      for (const { reject } of group.slice(index + 1)) reject(error)
      return
    }
  }

  /** @returns why not, `null` if it is written */
  async #tryToWrite(group: readonly Call<Request, Result>[]): Promise<unknown> {
    try {
      const results = await this.#options.write(group.map(({ request }) => request))
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result)
      return null
    } catch (error) {
      return error
    }
  }

  #refuseWaiting(error: StoreError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#waitingBytes = 0
  }
}
