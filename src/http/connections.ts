import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../time/clock.ts'

/** How long after its answer a request may take to send the rest of its body, which is thrown away. */
const LINGER_MS = 2000
/** For a request that is on its way when the listener closes. */
const CLOSING_GRACE_MS = 500

/** A connection that was used this lately is likely to be used again. */
const IN_USE_MS = 1000

/**
 * Bounds a listener's connections. When one more comes than may be open, the oldest one that nobody is waiting on is
 * closed: first of those that have never asked for anything, then of those that have rested for a second. So a
 * new sender gets in however many connections somebody keeps open in silence. Only where every connection is in use
 * is the new one closed.
 *
 *   silent ──request──▶ busy ──answered──▶ rested ──request──▶ busy …
 */
export class Connections {
  readonly #clock: Clock
  readonly #max: number
  readonly #open = new Set<Socket>()
  /** Have never asked for anything, the oldest first. */
  readonly #silent = new Set<Socket>()
  /** Since when a connection has had its last answer, in steady milliseconds, the longest first. */
  readonly #rested = new Map<Socket, number>()

  constructor(server: Server, { clock, max }: { clock: Clock; max: number }) {
    this.#clock = clock
    this.#max = max
    server.on('connection', (socket: Socket) => this.#opened(socket))
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#asked(request, response),
    )
  }

  /**
   * Closes those that have never asked for anything, after a moment. Node does not count them as idle, and they would
   * hold up a stop until its bound.
   */
  closeSilent(): void {
    this.#clock.after(CLOSING_GRACE_MS, () => {
      for (const socket of this.#silent) this.#close(socket)
    })
  }

  #opened(socket: Socket): void {
    this.#open.add(socket)
    this.#silent.add(socket)
    socket.once('close', () => this.#forget(socket))
    if (this.#open.size <= this.#max) return
    this.#close(this.#leastWanted() ?? socket)
  }

  /** `null`: all others are in use. */
  #leastWanted(): Socket | null {
    const [silent] = this.#silent
    // The newest is among the silent ones. Where it is the only one, a rested connection goes before it.
    if (silent !== undefined && this.#silent.size > 1) return silent
    const [rested] = this.#rested
    return rested !== undefined && this.#clock.steadyMs() - rested[1] >= IN_USE_MS ? rested[0] : null
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#silent.delete(socket)
    this.#rested.delete(socket)
    response.once('close', () => {
      if (!this.#open.has(socket)) return
      this.#rested.set(socket, this.#clock.steadyMs())
      if (!request.complete) this.#clock.after(LINGER_MS, () => request.complete || this.#close(socket))
    })
  }

  #close(socket: Socket): void {
    this.#forget(socket)
    socket.destroy()
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket)
    this.#silent.delete(socket)
    this.#rested.delete(socket)
  }
}
