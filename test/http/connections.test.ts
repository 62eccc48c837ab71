import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Connections } from '../../src/http/connections.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

const MAX = 4

test('when too many are open, the oldest that has never asked for anything is closed', async () => {
  const { open, ask, answer } = await server()
  const asking = await open()
  await ask(asking)
  const silent = [await open(), await open(), await open()]
  const fresh = await open()
  await until('the oldest silent one to be closed', () => silent[0]?.closed)
  await ask(fresh)
  await answer(fresh)
  await answer(asking)
  expect([asking, ...silent, fresh].filter(({ closed }) => closed)).toEqual([silent[0]])
})

test('then the one that has rested the longest, if it has rested for a second', async () => {
  const { open, ask, answer, clock } = await server()
  const rested: Socket[] = []
  for (let n = 0; n < MAX; n++) {
    const connection = await open()
    await ask(connection)
    await answer(connection)
    rested.push(connection)
  }
  clock.advance(1000)
  const fresh = await open()
  await until('the oldest rested one to be closed', () => rested[0]?.closed)
  await ask(fresh)
  expect([...rested, fresh].filter(({ closed }) => closed)).toEqual([rested[0]])
})

test('where every other one is in use, the new one is closed', async () => {
  const { open, ask, answer } = await server()
  const busy: Socket[] = []
  for (let n = 0; n < MAX; n++) {
    const connection = await open()
    await ask(connection)
    busy.push(connection)
  }
  const fresh = await open()
  await until('the new one to be closed', () => fresh.closed)
  for (const connection of busy) await answer(connection)
  expect(busy.filter(({ closed }) => closed)).toEqual([])
})

test('a body that nobody reads has two seconds to come to its end after the answer', async () => {
  const { open, answer, clock, asked } = await server()
  const slow = await open()
  slow.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nx')
  await asked(1)
  await answer(slow)
  clock.advance(1999)
  expect(slow.closed).toBe(false)
  clock.advance(1)
  await until('it to be closed', () => slow.closed)
})

/** A real server that answers a connection's request when it is told to, and connections to it. */
async function server() {
  const clock = new ManualClock()
  const http = createServer()
  const responses = new Map<number, ServerResponse>()
  let requests = 0
  new Connections(http, { clock, max: MAX })
  http.on('request', (request, response) => {
    requests++
    responses.set(request.socket.remotePort ?? 0, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  let accepted = 0
  http.on('connection', () => accepted++)

  const asked = (count: number) => until('the request to come', () => requests >= count)

  return {
    clock,
    asked,
    /** Opens a connection and waits until the server knows of it. */
    open: async (): Promise<Socket> => {
      const before = accepted
      const socket = connect((http.address() as AddressInfo).port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      await once(socket, 'connect')
      await until('the server to know of it', () => accepted > before)
      return socket
    },
    ask: async (socket: Socket): Promise<void> => {
      const before = requests
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await asked(before + 1)
    },
    answer: async (socket: Socket): Promise<void> => {
      const response = responses.get(socket.localPort ?? 0)
      if (response === undefined) throw new Error('nothing was asked')
      const closed = once(response, 'close')
      response.end('ok')
      await closed
    },
  }
}
