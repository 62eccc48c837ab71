import { expect, test } from 'vitest'
import { dripping, endless, ending, length, saying, startRawReceiver } from '../../support/raw-receiver.ts'
import type { Reply } from '../../support/raw-receiver.ts'
import { until } from '../../support/until.ts'
import { EMPTY, OK, SHORT_MS, SOON_MS, send, verdictOf } from './sending.ts'
import type { Verdict } from './sending.ts'

const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`
const DRIP_MS = SHORT_MS / 15

test.each<[string, Verdict, Reply]>([
  ['closes before any answer', ['failed', null, 'connection_reset'], (socket) => socket.end()],
  ['resets before any answer', ['failed', null, 'connection_reset'], (socket) => socket.resetAndDestroy()],
  ['closes within its headers', ['failed', null, 'connection_reset'], ending(`${OK}content-le`)],
  ['closes after a 103', ['failed', null, 'connection_reset'], ending('HTTP/1.1 103 Hints\r\n\r\n')],
  ['speaks something else', ['failed', null, 'response_invalid'], saying('SSH-2.0-OpenSSH_9.9\r\n')],
  ['speaks HTTP/2', ['failed', null, 'response_invalid'], saying('\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d')],
  ['answers with a status of 99', ['failed', null, 'response_invalid'], saying('HTTP/1.1 099 No\r\n\r\n')],
  ['answers with a status of 1000', ['failed', null, 'response_invalid'], saying('HTTP/1.1 1000 No\r\n\r\n')],
  ['names a header in two words', ['failed', null, 'response_invalid'], saying(`${OK}two words: x\r\n\r\n`)],
  ['has two lengths', ['failed', null, 'response_invalid'], saying(`${OK}${length(2)}${length(3)}\r\nabc`)],
  [
    'has a length and chunks',
    ['failed', null, 'response_invalid'],
    saying(`${OK}${length(2)}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  ],
  ['has a huge header', ['failed', null, 'response_invalid'], saying(`${OK}x: ${'x'.repeat(1_000_000)}`)],
  ['has endless headers', ['failed', null, 'response_invalid'], endless(OK, 'x: y\r\n')],
  ['has a huge trailer', ['delivered', 200, 'response_invalid'], endless(`${CHUNKED}0\r\nx: `, 'x')],
  ['breaks its chunks', ['delivered', 200, 'response_invalid'], saying(`${CHUNKED}zz\r\n`)],
  ['closes within the body', ['delivered', 200, 'response_incomplete'], ending(`${OK}${length(9)}\r\nhalf`)],
  ['closes within a chunk', ['delivered', 200, 'response_incomplete'], ending(`${CHUNKED}9\r\nhalf`)],
  [
    'closes within a chunk, as announced',
    ['delivered', 200, 'response_incomplete'],
    ending(`${OK}connection: close\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf`),
  ],
  ['has an endless body', ['delivered', 200, 'response_incomplete'], endless(`${OK}\r\n`, 'x')],
  ['fails with an endless body', ['failed', 500, 'http_status'], endless('HTTP/1.1 500 No\r\n\r\n', 'x')],
  ['switches protocols', ['failed', null, 'response_invalid'], saying(switching())],
  // RFC 9110 lets a client ignore it; undici does not.
  ['says 100 unasked', ['failed', null, 'response_invalid'], saying(`HTTP/1.1 100 Continue\r\n\r\n${EMPTY}`)],
])('a receiver that %s ends the attempt and loses its connection: %j', async (_what, verdict, reply) => {
  const receiver = await startRawReceiver(reply)
  const outcome = await send(receiver.url)
  expect(verdictOf(outcome)).toEqual(verdict)
  expect(outcome.record.durationMs).toBeLessThan(SOON_MS)
  expect(outcome.record.answer?.length ?? 0).toBeLessThanOrEqual(1024)
  await receiver.allClosed()
})

test.each<[string, Verdict, Reply]>([
  ['never answers', ['failed', null, 'timeout'], () => {}],
  [
    'gives its headers byte by byte',
    ['failed', null, 'timeout'],
    dripping('', `${OK}x: ${'x'.repeat(9999)}`, DRIP_MS),
  ],
  ['has an endless first line', ['failed', null, 'timeout'], endless('HTTP/1.1 200 ', 'x')],
  ['says 103 and no more', ['failed', null, 'timeout'], saying('HTTP/1.1 103 Hints\r\n\r\n')],
  ['says 103 without end', ['failed', null, 'timeout'], endless('', 'HTTP/1.1 103 Hints\r\n\r\n')],
  [
    'gives its body byte by byte',
    ['delivered', 200, 'timeout'],
    dripping(`${OK}\r\n`, 'x'.repeat(9999), DRIP_MS),
  ],
  [
    'fails with such a body',
    ['failed', 500, 'http_status'],
    dripping('HTTP/1.1 500 No\r\n\r\n', 'xxxx', DRIP_MS),
  ],
  ['announces more than it gives', ['delivered', 200, 'timeout'], saying(`${OK}${length(9)}\r\nhalf`)],
  ['has an endless chunk extension', ['delivered', 200, 'timeout'], endless(`${CHUNKED}5;`, 'x')],
])('a receiver that %s is cut off at the time-out: %j', async (_what, verdict, reply) => {
  const receiver = await startRawReceiver(reply)
  const outcome = await send(receiver.url, { timeoutMs: SHORT_MS })
  expect(verdictOf(outcome)).toEqual(verdict)
  expect(outcome.record.durationMs).toBeGreaterThanOrEqual(SHORT_MS - 1)
  expect(outcome.record.durationMs).toBeLessThan(SOON_MS)
  expect(outcome.record.answer?.length ?? 0).toBeLessThanOrEqual(1024)
  await receiver.allClosed()
})

test.each<[string, Verdict, Reply]>([
  ['answers 204', ['delivered', 204, null], saying('HTTP/1.1 204 No Content\r\n\r\n')],
  ['answers 204 and a body', ['delivered', 204, null], saying(`HTTP/1.1 204 No\r\n${length(2)}\r\nab`)],
  ['says 102 and 103 first', ['delivered', 200, null], saying(informational(EMPTY))],
  ['gives more than it announced', ['delivered', 200, null], saying(`${OK}${length(2)}\r\nhalf`)],
  ['ends its body by closing', ['delivered', 200, null], ending(`${OK}\r\nall`)],
  ['speaks HTTP/1.0', ['delivered', 200, null], ending('HTTP/1.0 200 OK\r\n\r\nall')],
  [
    'lies about an encoding',
    ['delivered', 200, null],
    saying(`${OK}content-encoding: gzip\r\n${length(2)}\r\nab`),
  ],
])('a receiver that %s is understood: %j', async (_what, verdict, reply) => {
  const receiver = await startRawReceiver(reply)
  const outcome = await send(receiver.url)
  expect(verdictOf(outcome)).toEqual(verdict)
})

test('an attempt that has ended leaves no timer behind', async () => {
  const before = timers()
  const silent = await startRawReceiver(() => {})
  const slow = await startRawReceiver(dripping(`${OK}\r\n`, 'x', DRIP_MS))
  const broken = await startRawReceiver((socket) => socket.resetAndDestroy())
  await send(silent.url, { timeoutMs: SHORT_MS })
  await send(silent.url.replace('http:', 'https:'), { timeoutMs: SHORT_MS })
  await send(slow.url, { timeoutMs: SHORT_MS })
  await send(broken.url)
  await send('http://nowhere.invalid/')
  await until('the timers to go', () => timers() <= before)
  expect(timers()).toBeLessThanOrEqual(before)
})

function informational(answer: string): string {
  return `HTTP/1.1 102 Processing\r\n\r\n${'HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n'.repeat(20)}${answer}`
}

function switching(): string {
  return 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
