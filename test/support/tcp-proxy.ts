import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** Stands between a relay and its database, so that a test can break the connection without touching either. */
export interface TcpProxy {
  /** The URL of the target, through the proxy. */
  url: string
  /** How many are connected. */
  connections(): number
  /** Passes nothing on in either direction. New connections are accepted and get no answer. */
  freeze(): void
  /** Passes on everything that was kept back, and goes on. */
  thaw(): void
  /** Drops all further bytes of the present connections without closing them, as after a failover. New ones work. */
  abandon(): void
  /** Closes every connection whose first bytes contain the text, present and future ones; `null` ends that. */
  refuse(text: string | null): void
  stop(): Promise<void>
}

interface Pair {
  sockets: [Socket, Socket]
  beginning: string
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const pairs = new Set<Pair>()
  let frozen = false
  let refused: string | null = null

  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    const pair: Pair = { sockets: [near, far], beginning: '' }
    pairs.add(pair)
    near.once('data', (chunk) => {
      pair.beginning = chunk.toString('latin1')
      if (isRefused(pair)) cut(pair)
    })
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => near.write(chunk))
    near.on('end', () => far.end())
    far.on('end', () => near.end())
    for (const socket of pair.sockets) {
      socket.on('error', () => {})
      socket.on('close', () => cut(pair))
      if (frozen) socket.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  function isRefused({ beginning }: Pair): boolean {
    return refused !== null && beginning.includes(refused)
  }

  function cut(pair: Pair): void {
    pairs.delete(pair)
    for (const socket of pair.sockets) socket.destroy()
  }

  return {
    url: url.href,
    connections: () => pairs.size,
    freeze() {
      frozen = true
      for (const { sockets } of pairs) for (const socket of sockets) socket.pause()
    },
    thaw() {
      frozen = false
      for (const { sockets } of pairs) for (const socket of sockets) socket.resume()
    },
    abandon() {
      for (const { sockets } of pairs) {
        for (const socket of sockets) {
          socket.removeAllListeners('data').removeAllListeners('end')
          socket.resume()
        }
      }
    },
    refuse(text) {
      refused = text
      for (const pair of pairs) if (isRefused(pair)) cut(pair)
    },
    async stop() {
      for (const pair of pairs) cut(pair)
      server.close()
      await once(server, 'close')
    },
  }
}
