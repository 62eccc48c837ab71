import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

// A process of its own: a hook that answers 204, at once or after so many milliseconds, and counts. Plain sockets, so
// that on two cores what is measured is the sender. Tells its port at the start, and its count when asked.
//   receiver.ts [milliseconds]

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\nkeep-alive: timeout=60\r\n\r\n')

const delayMs = Number(process.argv[2] ?? 0)
let count = 0
const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => process.send?.({ count }))
process.on('disconnect', () => process.exit())

/** Answers each request when its body, of the length that it names, has come. */
function serve(socket: Socket): void {
  let request = ''
  socket.on('data', (chunk) => {
    request += chunk.toString('latin1')
    for (;;) {
      const headEnd = request.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (request.length < end) return
      request = request.slice(end)
      count++
      if (delayMs === 0) socket.write(ANSWER)
      else setTimeout(() => socket.write(ANSWER), delayMs)
    }
  })
  socket.on('error', () => socket.destroy())
}
