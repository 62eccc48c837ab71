import { Readable } from 'node:stream'
import type { Clock } from '../time/clock.ts'
import type { ActivityRow, Listener } from './activity-feed.ts'
import type { StreamItem } from './api/shapes/action.ts'

export interface ActivityStreamOptions {
  position: number
  /** When the sign-in ends, in milliseconds since 1970; `null`: never. */
  until: number | null
  clock: Clock
}

/** Proxies close a connection on which nothing is said for long; a browser notices one that is dead. */
const HEARTBEAT_MS = 15_000
/** What may wait for one connection. A browser that reads at all has far less waiting. */
const FULL_BYTES = 65_536
/** A connection that takes nothing for so long is closed. The browser comes back, and goes on from where it was. */
const STUCK_MS = 30_000
/** After how long a browser comes back. */
const RETRY_MS = 2000

/**
 * One connection's server-sent events. The last message of a row carries its number as `id`, so one who comes back within a
 * row is told all of the row again, and is left out of nothing.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class ActivityStream extends Readable implements Listener {
  readonly #clock: Clock
  readonly #until: number | null
  #position: number
  #saidAt: number
  #fullSince: number | null = null

  constructor({ position, until, clock }: ActivityStreamOptions) {
    super()
    this.#clock = clock
    this.#until = until
    this.#position = position
    this.#saidAt = clock.steadyMs()
    // An id without data is no message, and is still what the browser comes back with.
    this.#say(`retry: ${RETRY_MS}\nid: ${position}\n\n`)
  }

  override _read(): void {
    // What there is was pushed already.
  }

  get position(): number {
    return this.#position
  }

  get isFull(): boolean {
    return this.readableEnded || this.destroyed || this.readableLength >= FULL_BYTES
  }

  tell(row: ActivityRow): void {
    this.#position = row.number
    this.#say(messagesOf(row))
  }

  tellGap(position: number): void {
    this.#position = position
    this.#say(`${gap(null)}id: ${position}\n\n`)
  }

  tick(): void {
    const now = this.#clock.steadyMs()
    this.#fullSince = this.isFull ? (this.#fullSince ?? now) : null
    const isStuck = this.#fullSince !== null && now - this.#fullSince >= STUCK_MS
    const isOver = this.#until !== null && this.#clock.wallMs() >= this.#until
    if (isStuck || isOver) this.destroy()
    else if (now - this.#saidAt >= HEARTBEAT_MS && !this.isFull) this.#say(': alive\n\n')
  }

  #say(text: string | Buffer): void {
    if (this.destroyed) return
    this.#saidAt = this.#clock.steadyMs()
    this.push(text)
  }
}

/** All connections are told a row in the same bytes, which are made once. */
const made = new WeakMap<ActivityRow, Buffer>()

function messagesOf(row: ActivityRow): Buffer {
  const known = made.get(row)
  if (known !== undefined) return known
  const messages = row.items.map((item) => `data: ${JSON.stringify(itemView(item))}\n`)
  if (row.skipped > 0) messages.push(gap(row.skipped))
  const bytes = Buffer.from(`${messages.join('\n')}id: ${row.number}\n\n`)
  made.set(row, bytes)
  return bytes
}

function itemView({ kind, at, id, eventType, hook, code }: ActivityRow['items'][number]): StreamItem {
  return { kind, at: new Date(at).toISOString(), id, event_type: eventType, hook, code }
}

/** Something happened that is not told. The lists have it. */
function gap(skipped: number | null): string {
  return `event: gap\ndata: ${JSON.stringify({ skipped })}\n`
}
