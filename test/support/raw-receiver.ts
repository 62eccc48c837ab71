import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

// A receiver below HTTP, to send what no HTTP server would.

export type Reply = (socket: Socket) => unknown

export interface RawReceiver {
  url: string
  /** Every connection so far. */
  sockets: Socket[]
  /** Those that are open. */
  open: Set<Socket>
  allClosed(): Promise<void>
}

/** Starts a TCP server that answers so whenever bytes arrive. A request is small enough to arrive in one piece. */
export async function startRawReceiver(reply: Reply): Promise<RawReceiver> {
  const sockets: Socket[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.push(socket)
    open.add(socket)
    // The client under test breaks connections; that is no fault here.
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', () => reply(socket))
  })
  const port = await listen(server)
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
  })
  return {
    url: `http://127.0.0.1:${port}/`,
    sockets,
    open,
    allClosed: async () => void (await until('all connections to be closed', () => open.size === 0)),
  }
}

/** Listens on a free port until the test has finished, and gives the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Sends the text and keeps the connection open. */
export function saying(text: string): Reply {
  return (socket) => socket.write(text)
}

/** Sends the text and closes the connection. */
export function ending(text: string): Reply {
  return (socket) => socket.end(text)
}

/** Sends without end: as much as the connection takes, until it is closed. */
export function endless(start: string, more: string): Reply {
  const chunk = more.repeat(Math.ceil(65_536 / more.length))
  return (socket) => {
    socket.write(start)
    const write = () => {
      while (socket.writable && socket.write(chunk));
    }
    socket.on('drain', write)
    write()
  }
}

/** Sends a byte at a time, so often that a deadline which starts anew with each byte would never be reached. */
export function dripping(start: string, rest: string, everyMs: number): Reply {
  return (socket) => {
    let next = 0
    socket.write(start)
    const timer = setInterval(() => socket.write(rest[next++ % rest.length] ?? ''), everyMs)
    socket.on('close', () => clearInterval(timer))
  }
}

/** The header that announces a body of so many bytes. */
export function length(bytes: number): string {
  return `content-length: ${bytes}\r\n`
}
