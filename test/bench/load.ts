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
}

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
  const result: LoadResult = { startedAt: Date.now(), seconds: 0, latenciesMs: [], statuses: {} }
  const startedAt = performance.now()
  const nextDue = request.perSecond === undefined ? () => performance.now() : evenPace(request.perSecond)
  await Promise.all(connections.map((connection) => connection.drain(requests, nextDue, result)))
  result.seconds = (performance.now() - startedAt) / 1000
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

/** One kept-alive connection. Reads into a buffer of its own, past the stream machinery. */
class Connection {
  readonly opened: Promise<void>
  readonly #socket: Socket
  #answer = ''
  #onAnswer: (status: string) => void = () => {}
  #onError: (error: Error) => void = () => {}

  constructor(port: number) {
    const callback = (bytes: number, buffer: Uint8Array) =>
      this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, bytes).toString('latin1'))
    const onread = { buffer: Buffer.allocUnsafe(4096), callback }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve).once('error', reject)
    })
    this.#socket.once('close', () => this.#onError(new Error('the connection was closed')))
  }

  /** Takes requests off the shared list until it is empty, each when it is due. */
  drain(requests: Buffer[], nextDue: () => number, result: LoadResult): Promise<void> {
    return new Promise((resolve, reject) => {
      let sentAt = 0
      const send = (request: Buffer, since: number) => {
        sentAt = since
        this.#socket.write(request)
      }
      const next = () => {
        const request = requests.pop()
        if (request === undefined) return resolve()
        const due = nextDue()
        const earlyMs = due - performance.now()
        if (earlyMs <= 0) return send(request, due)
        setTimeout(() => send(request, performance.now()), earlyMs)
      }
      this.#onError = reject
      this.#onAnswer = (status) => {
        result.latenciesMs.push(performance.now() - sentAt)
        result.statuses[status] = (result.statuses[status] ?? 0) + 1
        next()
      }
      next()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(text: string): boolean {
    this.#answer += text
    const headEnd = this.#answer.indexOf('\r\n\r\n')
    if (headEnd < 0) return true
    const length = Number(/content-length: (\d+)/i.exec(this.#answer)?.[1] ?? 0)
    if (this.#answer.length < headEnd + 4 + length) return true
    const status = this.#answer.slice(9, 12)
    this.#answer = ''
    this.#onAnswer(status)
    return true
  }
}
