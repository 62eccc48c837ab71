import { StoreError } from '../store.ts'
import { MAX_GROUP_CALLS, MAX_WAITING_BYTES, MAX_WAITING_CALLS } from '../waiting-limits.ts'

export interface GathererOptions<Request, Result> {
  /** Writes a group in one transaction; answers in its order. */
  write: (group: readonly Request[]) => Promise<Result[]>
  /** Whether the database refused the group's data, rather than being unable to work. */
  isRefusal: (error: unknown) => boolean
  /** Bytes of memory that a request takes while it waits. */
  sizeOf: (request: Request) => number
}

interface Call<Request, Result> {
  request: Request
  size: number
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** A group goes in one statement. */
const MAX_GROUP_BYTES = 4_194_304

/**
 * Writes calls in groups: calls that come while one group is being written are gathered for the next, so that they share
 * a round trip and a sync.
 */
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
      // Later in this turn, so that all calls of the turn go into one group.
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
    // The database does not answer: the waiting calls would only time out one after the other, so refuse them now.
    if (error instanceof StoreError && error.code === 'store_overloaded') this.#refuseWaiting(error)
  }

  /** After a group was refused, so that only the call with the bad data is. */
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
