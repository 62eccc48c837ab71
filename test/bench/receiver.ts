import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A process of its own: a hook that answers 204 at once and counts. Tells its port at the start, and its count
// when asked.

let count = 0
const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => {
    count++
    response.writeHead(204).end()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => process.send?.({ count }))
