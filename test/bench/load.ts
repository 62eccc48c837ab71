import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createHmac, randomUUID } from 'node:crypto'
import { credentialEvent } from '../support/credential-event.ts'

// A process of its own: sends pre-signed, distinct credential events over kept-alive connections, each waiting
// for its answer before the next. Plain sockets, because on two cores a comfortable client would be what is measured.

export interface LoadRequest {
  /** The connections are spread over them evenly. */
  ports: readonly number[]
  path: string
  secret: string
  count: number
  connections: number
  /** At this even pace, and an answer counts from when its request was due; without it, as fast as they are answered. */
  perSecond?: number
}

export interface LoadResult {
  /** When the first request was sent, milliseconds since 1970. */
  startedAt: number
  seconds: number
  latenciesMs: number[]
  /** How many answers had which status. */
  statuses: Record<string, number>
  /** How often a request was under way on a connection that was closed. Each was sent again. */
  lost: number
  /** Processor time of this process while it sent. */
  processorSeconds: number
}

/** One webhook was lost so often: the relay is gone, and not only one of its connections. */
const MAX_LOST_IN_A_ROW = 20
/** A sender that lost a request waits a moment; else a relay that refuses all would be asked without an end. */
const RETRY_MS = 50

process.on('message', (request: LoadRequest) => {
  void run(request).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit())

async function run(request: LoadRequest): Promise<LoadResult> {
  const requests = Array.from({ length: request.count }, () => signedRequest(request))
  const connections = Array.from(
    { length: request.connections },
    (_, n) => new Connection(request.ports[n % request.ports.length] as number),
  )
  await Promise.all(connections.map((connection) => connection.opened))
  const result: LoadResult = {
    startedAt: Date.now(),
    seconds: 0,
    latenciesMs: [],
    statuses: {},
    lost: 0,
    processorSeconds: 0,
  }
  const startedAt = performance.now()
  const usedBefore = process.cpuUsage()
  const nextDue = request.perSecond === undefined ? () => performance.now() : evenPace(request.perSecond)
  await Promise.all(connections.map((connection) => connection.drain(requests, nextDue, result)))
  result.seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(usedBefore)
  result.processorSeconds = (used.user + used.system) / 1e6
  for (const connection of connections) connection.close()
  return result
}

/** When each request is due, one after the other. */
function evenPace(perSecond: number): () => number {
  let next = performance.now()
  return () => {
    const due = next
    next += 1000 / perSecond
    return due
  }
}

function signedRequest({ path, secret }: LoadRequest): Buffer {
  const body = JSON.stringify(credentialEvent())
  const id = `msg_${randomUUID().replaceAll('-', '')}`
  const timestamp = Math.floor(Date.now() / 1000)
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
      `svix-id: ${id}\r\nsvix-timestamp: ${timestamp}\r\nsvix-signature: v1,${signature}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/**
 * One kept-alive connection. Reads into a buffer of its own, past the stream machinery. The relay may close it while it rests, or
 * under a request. Then another one takes its place, and what was under way is sent again with the same id: the whole time from its
 * first sending counts as its answer's.
 */
class Connection {
  readonly opened: Promise<void>
  readonly #port: number
  #socket: Socket
  #answer = ''
  /** What is under way, until it is answered. */
  #request: Buffer | null = null
  #sentAt = 0
  #lostInARow = 0
  #isClosed = false
  #result: LoadResult | null = null
  #next: () => void = () => {}
  #fail: (error: Error) => void = () => {}

  constructor(port: number) {
    this.#port = port
    this.#socket = this.#open()
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve).once('error', reject)
    })
  }

  /** Takes requests off the shared list until it is empty, each when it is due. */
  drain(requests: Buffer[], nextDue: () => number, result: LoadResult): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#result = result
      this.#fail = reject
      this.#next = () => {
        const request = requests.pop()
        if (request === undefined) return resolve()
        const due = nextDue()
        const earlyMs = due - performance.now()
        if (earlyMs <= 0) return this.#send(request, due)
        setTimeout(() => this.#send(request, performance.now()), earlyMs)
      }
      this.#next()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #open(): Socket {
    const callback = (bytes: number, buffer: Uint8Array) =>
      this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, bytes).toString('latin1'))
    const onread = { buffer: Buffer.allocUnsafe(4096), callback }
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, onread })
    // What broke it does not matter: it is closed after that.
    socket.on('error', () => {})
    socket.once('close', () => this.#closed(socket))
    return socket
  }

  #send(request: Buffer, since: number): void {
    this.#request = request
    this.#sentAt = since
    if (this.#socket.destroyed) this.#socket = this.#open()
    this.#socket.write(request)
  }

  /** One that rested is opened again when it is needed. */
  #closed(socket: Socket): void {
    if (socket !== this.#socket || this.#isClosed) return
    this.#answer = ''
    const request = this.#request
    if (request === null) return
    if (this.#result !== null) this.#result.lost++
    if (++this.#lostInARow > MAX_LOST_IN_A_ROW) return this.#fail(new Error('no connection is left open'))
    setTimeout(() => this.#send(request, this.#sentAt), RETRY_MS)
  }

  #read(text: string): boolean {
    this.#answer += text
    const headEnd = this.#answer.indexOf('\r\n\r\n')
    if (headEnd < 0) return true
    const length = Number(/content-length: (\d+)/i.exec(this.#answer)?.[1] ?? 0)
    if (this.#answer.length < headEnd + 4 + length) return true
    const status = this.#answer.slice(9, 12)
    this.#answer = ''
    this.#answered(status)
    return true
  }

  #answered(status: string): void {
    this.#request = null
    this.#lostInARow = 0
    if (this.#result !== null) {
      this.#result.latenciesMs.push(performance.now() - this.#sentAt)
      this.#result.statuses[status] = (this.#result.statuses[status] ?? 0) + 1
    }
    this.#next()
  }
}
