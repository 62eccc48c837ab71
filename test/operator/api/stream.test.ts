import { once } from 'node:events'
import { get } from 'node:http'
import { expect, test } from 'vitest'
import { follow, happen } from '../../support/activity.ts'
import { startRelay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

test('what happens is told as it happens, and one who comes back goes on without a gap', async () => {
  const relay = await startRelay()
  const first = await follow(relay)
  await happen(relay, 'a')
  await until('it to be told', () => first.text.includes('"id":"a"'))
  first.response.destroy()
  await happen(relay, 'b')
  const second = await follow(relay, { 'last-event-id': first.lastId })
  await until('the rest to be told', () => second.text.includes('"id":"b"'))
  expect(second.text).not.toContain('"id":"a"')
  expect(second.text).not.toContain('gap')
  const other = await follow(relay)
  expect(other.text).not.toContain('data')
})

test.each(['999999', 'of another kind', '-1'])(
  'one who comes back with the id %s is told of a gap',
  async (lastId) => {
    const relay = await startRelay()
    await happen(relay, 'a')
    const stream = await follow(relay, { 'last-event-id': lastId })
    await until('the gap to be told', () => stream.text.includes('event: gap\ndata: {"skipped":null}\n'))
    await happen(relay, 'b')
    await until('what follows to be told', () => stream.text.includes('"id":"b"'))
    expect(stream.text.indexOf('gap')).toBeLessThan(stream.text.indexOf('"id":"b"'))
  },
)

test('it is a stream for a browser that no proxy holds back, and not without a token', async () => {
  const relay = await startRelay({ OPERATOR_TOKEN: 'correct horse' })
  const { response } = await follow(relay, { authorization: 'Bearer correct horse' })
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  })
  expect((await follow(relay)).response.statusCode).toBe(401)
})

test('no more than fifty streams are open at one time, and one that is closed makes room', async () => {
  const relay = await startRelay()
  const streams = []
  for (let count = 0; count < 50; count++) streams.push(await follow(relay))
  const refused = await follow(relay)
  expect([refused.response.statusCode, refused.response.headers['retry-after']]).toEqual([429, '10'])
  streams[0]?.response.destroy()
  await until('room', async () => (await follow(relay)).response.statusCode === 200)
})

test('no more than fifty are open either if all are asked for at once', async () => {
  const relay = await startRelay()
  const streams = await Promise.all(Array.from({ length: 60 }, () => follow(relay)))
  const taken = streams.filter(({ response }) => response.statusCode === 200)
  expect(taken).toHaveLength(50)
})

test('who hangs up before the answer leaves no stream behind', async () => {
  const relay = await startRelay()
  for (let count = 0; count < 60; count++) {
    const request = get(`${relay.operatorUrl}/api/stream`, { agent: false }).on('error', () => {})
    await once(request, 'finish')
    request.destroy()
  }
  await until('room', async () => (await follow(relay)).response.statusCode === 200)
  for (let count = 0; count < 49; count++) expect((await follow(relay)).response.statusCode).toBe(200)
})

test('a stop ends every stream', async () => {
  const relay = await startRelay()
  const { response } = await follow(relay)
  const closed = new Promise((resolve) => void response.once('close', resolve))
  await relay.app.stop()
  await closed
  expect(response.destroyed).toBe(true)
})
