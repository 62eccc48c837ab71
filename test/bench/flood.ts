import { createHmac, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

// A process of its own: what strangers do to a relay. Loopback only, and bounded by its count.

export interface FloodRequest {
  port: number
  /** From which loopback address. */
  from: string
  /**
   * `complete`: forged bodies, each on a connection of its own, whole and all at once. `open`: the same, but the last
   * byte never comes. `paced`: forged bodies on kept-alive connections, so many a second. `addresses`: forged
   * webhooks with a made-up forwarded address of 14 kB each. `silent`: connections that say nothing.
   */
  kind: 'complete' | 'open' | 'paced' | 'addresses' | 'silent'
  count: number
  perSecond?: number
  /** What the forged bodies are made of. */
  fill?: 'text' | 'no UTF-8'
}

export interface FloodResult {
  statuses: Record<string, number>
  /** Connections that were closed on it. */
  closed: number
  /** Processor time of this process since it was asked. */
  processorSeconds: number
}

const BODY_BYTES = 262_144
const PACED_CONNECTIONS = 8
const ADDRESS_CONNECTIONS = 32

process.on('message', (request: FloodRequest | 'stop') => {
  if (request === 'stop') {
    const { user, system } = process.cpuUsage(usedBefore)
    process.send?.({ ...result, processorSeconds: (user + system) / 1e6 })
  } else void flood(request).then(() => process.send?.('sent'))
})
process.on('disconnect', () => process.exit())

const usedBefore = process.cpuUsage()
const result: FloodResult = { statuses: {}, closed: 0, processorSeconds: 0 }

async function flood(request: FloodRequest): Promise<void> {
  switch (request.kind) {
    case 'complete':
    case 'open': {
      const sockets = await connections(request, request.count)
      const body = bodyOf(request)
      for (const socket of sockets) {
        socket.write(head(body.length))
        socket.write(request.kind === 'complete' ? body : body.subarray(0, -1))
      }
      return
    }
    case 'silent':
      await connections(request, request.count)
      return
    case 'paced':
      return paced(await connections(request, PACED_CONNECTIONS), request)
    case 'addresses':
      return addresses(await connections(request, ADDRESS_CONNECTIONS), request)
  }
}

async function connections({ port, from }: FloodRequest, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    // Some at a time, so that the queue of what is not yet accepted does not run over.
    const some = Array.from({ length: Math.min(200, count - sockets.length) }, () => opened(port, from))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

function opened(port: number, localAddress: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.on('error', () => {})
    socket.once('close', () => {
      result.closed++
      resolve(socket)
    })
    socket.on('data', (chunk: Buffer) => {
      for (const [, status] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g))
        result.statuses[status as string] = (result.statuses[status as string] ?? 0) + 1
    })
  })
}

async function paced(sockets: readonly Socket[], request: FloodRequest): Promise<void> {
  const body = bodyOf(request)
  const startedAt = performance.now()
  for (let n = 0; n < request.count; n++) {
    const dueInMs = startedAt + (n * 1000) / (request.perSecond ?? 100) - performance.now()
    if (dueInMs > 0) await new Promise((resolve) => setTimeout(resolve, dueInMs))
    const socket = sockets[n % sockets.length] as Socket
    socket.write(head(body.length))
    socket.write(body)
  }
}

async function addresses(sockets: readonly Socket[], { count }: FloodRequest): Promise<void> {
  for (let n = 0; n < count; n++) {
    const socket = sockets[n % sockets.length] as Socket
    const answered = new Promise((resolve) => socket.once('data', resolve))
    socket.write(head(2, `x-forwarded-for: ${randomBytes(7000).toString('hex')}\r\n`))
    socket.write('{}')
    if (n % sockets.length === sockets.length - 1) await answered
  }
}

function bodyOf({ fill }: FloodRequest): Buffer {
  return fill === 'no UTF-8' ? Buffer.alloc(BODY_BYTES, 0xff) : Buffer.alloc(BODY_BYTES, 'x')
}

/** Well-formed, in time and signed by nobody that the relay knows. */
function head(bytes: number, more = ''): string {
  const signature = createHmac('sha256', 'nobody').update('x').digest('base64')
  return (
    `POST /webhooks/seam HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${bytes}\r\n${more}` +
    `svix-id: msg_${randomBytes(8).toString('hex')}\r\nsvix-timestamp: ${Math.floor(Date.now() / 1000)}\r\n` +
    `svix-signature: v1,${signature}\r\n\r\n`
  )
}
