import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createHmac, randomUUID } from 'node:crypto'
import { credentialEvent } from '../support/credential-event.ts'

// A process of its own: sends pre-signed, distinct credential events over kept-alive connections, each waiting
// for its answer before the next. Plain sockets, because on two cores a comfortable client would be what is measured.

export interface LoadRequest {
  port: number
  path: string
  secret: string
  count: number
  connections: number
}

export interface LoadResult {
  seconds: number
  latenciesMs: number[]
  /** How many answers had which status. */
  statuses: Record<string, number>
}

process.on('message', (request: LoadRequest) => {
  void run(request).then((result) => process.send?.(result))
})

async function run(request: LoadRequest): Promise<LoadResult> {
  const requests = Array.from({ length: request.count }, () => signedRequest(request))
  const sockets = await Promise.all(Array.from({ length: request.connections }, () => open(request.port)))
  const result: LoadResult = { seconds: 0, latenciesMs: [], statuses: {} }
  const startedAt = performance.now()
  await Promise.all(sockets.map((socket) => drain(socket, requests, result)))
  result.seconds = (performance.now() - startedAt) / 1000
  for (const socket of sockets) socket.destroy()
  return result
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

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)))
    socket.once('error', reject)
  })
}

/** Takes requests off the shared list until it is empty. */
function drain(socket: Socket, requests: Buffer[], result: LoadResult): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let answer = ''
    const next = () => {
      const request = requests.pop()
      if (request === undefined) return resolve()
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      const headEnd = answer.indexOf('\r\n\r\n')
      const length = headEnd < 0 ? null : /content-length: (\d+)/i.exec(answer)
      if (headEnd < 0 || answer.length < headEnd + 4 + Number(length?.[1] ?? 0)) return
      result.latenciesMs.push(performance.now() - sentAt)
      const status = answer.slice(9, 12)
      result.statuses[status] = (result.statuses[status] ?? 0) + 1
      answer = ''
      next()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
    next()
  })
}
