import { expect, test } from 'vitest'
import { saying, startRawReceiver } from '../../support/raw-receiver.ts'
import { EMPTY, clientOf, delivery } from './sending.ts'

test('a connection that was kept alive carries the next delivery', async () => {
  const receiver = await startRawReceiver(saying(EMPTY))
  const client = clientOf(receiver.url, { concurrency: 1 })
  for (let count = 0; count < 5; count++) expect((await client.send(delivery).outcome).kind).toBe('delivered')
  expect(receiver.sockets).toHaveLength(1)
})

test('a connection that the receiver closes between two deliveries fails neither of them', async () => {
  const receiver = await startRawReceiver(saying(EMPTY))
  const client = clientOf(receiver.url)
  expect((await client.send(delivery).outcome).kind).toBe('delivered')
  receiver.sockets[0]?.end()
  await receiver.allClosed()
  expect((await client.send(delivery).outcome).kind).toBe('delivered')
  expect(receiver.sockets).toHaveLength(2)
})

test('a connection that is closed just as a delivery goes out fails that delivery alone', async () => {
  const receiver = await startRawReceiver((socket) =>
    socket.bytesWritten === 0 ? socket.write(EMPTY) : socket.end(),
  )
  const client = clientOf(receiver.url, { concurrency: 1 })
  const codes: (string | null)[] = []
  for (let count = 0; count < 3; count++) codes.push((await client.send(delivery).outcome).record.errorCode)
  expect(codes).toEqual([null, 'connection_reset', null])
})

test('an answer that nobody asked for is not taken as the answer to the next delivery', async () => {
  const FAILED = 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n'
  let requests = 0
  const receiver = await startRawReceiver((socket) => socket.write(requests++ === 0 ? EMPTY + EMPTY : FAILED))
  const client = clientOf(receiver.url, { concurrency: 1 })
  expect((await client.send(delivery).outcome).record.status).toBe(200)
  expect((await client.send(delivery).outcome).record.status).toBe(500)
})
