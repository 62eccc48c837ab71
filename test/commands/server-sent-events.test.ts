import fc from 'fast-check'
import { expect, test } from 'vitest'
import { serverSentEvents } from '../../src/commands/server-sent-events.ts'

async function read(pieces: readonly Uint8Array[]) {
  async function* given() {
    yield* pieces
  }
  const events = []
  for await (const event of serverSentEvents(given())) events.push(event)
  return events
}

const STREAM =
  ': hello\n\nretry: 2000\nid: 0\n\nid: 0\n\ndata: {"a":1}\nid: 1\n\nevent: gap\r\nid: 2\r\ndata: one\r\ndata:two\r\n\r\n: alive\n\ndata: ü\n\ndata: cut'
const EVENTS = [
  { event: 'message', data: null, id: '0' },
  { event: 'message', data: '{"a":1}', id: '1' },
  { event: 'gap', data: 'one\ntwo', id: '2' },
  { event: 'message', data: 'ü', id: '2' },
]

test('messages are read, with their names and ids; one that is cut off is not', async () => {
  expect(await read([Buffer.from(STREAM)])).toEqual(EVENTS)
})

test('wherever the bytes are cut, the messages are the same', async () => {
  const bytes = Buffer.from(STREAM)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length)), async (cuts) => {
      const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length]
      const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
      expect(await read(pieces)).toEqual(EVENTS)
    }),
  )
})

test('a line without an end is given up before it fills the memory', async () => {
  const piece = Buffer.alloc(65_536, 'x')
  await expect(read(Array.from({ length: 20 }, () => piece))).rejects.toThrow('does not end')
})
