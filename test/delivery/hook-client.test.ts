import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { HookClient } from '../../src/delivery/hook-client.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import type { ClaimedDelivery } from '../../src/store/store.ts'
import { startReceiver } from '../support/relay.ts'
import { systemClock } from '../../src/time/clock.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

/** Long enough for a receiver to be slow in, short enough to wait for. */
const SHORT_MS = 300
/** Far above what any case takes, far below the default deadline of an attempt. */
const SOON_MS = 10_000

const OK = 'HTTP/1.1 200 OK\r\n'
const EMPTY = `${OK}content-length: 0\r\n\r\n`
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

type Verdict = [kind: Outcome['kind'], status: number | null, errorCode: string | null]
type Reply = (socket: Socket) => unknown

describe('a receiver that', () => {
  test.each<[string, Verdict, Reply]>([
    ['closes before any answer', ['failed', null, 'connection_reset'], (socket) => socket.end()],
    ['resets before any answer', ['failed', null, 'connection_reset'], (socket) => socket.resetAndDestroy()],
    ['closes within its headers', ['failed', null, 'connection_reset'], ending(`${OK}content-le`)],
    ['closes after a 103', ['failed', null, 'connection_reset'], ending('HTTP/1.1 103 Hints\r\n\r\n')],
    ['speaks something else', ['failed', null, 'response_invalid'], saying('SSH-2.0-OpenSSH_9.9\r\n')],
    ['speaks HTTP/2', ['failed', null, 'response_invalid'], saying('\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d')],
    ['answers with a status of 99', ['failed', null, 'response_invalid'], saying('HTTP/1.1 099 No\r\n\r\n')],
    [
      'answers with a status of 1000',
      ['failed', null, 'response_invalid'],
      saying('HTTP/1.1 1000 No\r\n\r\n'),
    ],
    [
      'names a header in two words',
      ['failed', null, 'response_invalid'],
      saying(`${OK}two words: x\r\n\r\n`),
    ],
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
    [
      'closes within the body',
      ['delivered', 200, 'response_incomplete'],
      ending(`${OK}${length(9)}\r\nhalf`),
    ],
    ['closes within a chunk', ['delivered', 200, 'response_incomplete'], ending(`${CHUNKED}9\r\nhalf`)],
    [
      'closes within a chunk, as announced',
      ['delivered', 200, 'response_incomplete'],
      ending(`${OK}connection: close\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf`),
    ],
    ['has an endless body', ['delivered', 200, 'response_incomplete'], endless(`${OK}\r\n`, 'x')],
    ['fails with an endless body', ['failed', 500, 'http_status'], endless('HTTP/1.1 500 No\r\n\r\n', 'x')],
    ['switches protocols', ['failed', null, 'response_invalid'], saying(switching())],
    // RFC 9110 lets a client pass over it; undici does not.
    [
      'says 100 unasked',
      ['failed', null, 'response_invalid'],
      saying(`HTTP/1.1 100 Continue\r\n\r\n${EMPTY}`),
    ],
  ])('%s ends the attempt and loses its connection: %j', async (_what, verdict, reply) => {
    const receiver = await rawReceiver(reply)
    const { record, ...outcome } = await send(receiver.url)
    expect([outcome.kind, record.status, record.errorCode]).toEqual(verdict)
    expect(record.durationMs).toBeLessThan(SOON_MS)
    expect(record.answer?.length ?? 0).toBeLessThanOrEqual(1024)
    await until('the connection to be closed', () => receiver.open.size === 0)
  })

  test.each<[string, Verdict, Reply]>([
    ['never answers', ['failed', null, 'timeout'], () => {}],
    [
      'gives its headers byte by byte',
      ['failed', null, 'timeout'],
      dripping('', `${OK}x: ${'x'.repeat(9999)}`),
    ],
    ['has an endless first line', ['failed', null, 'timeout'], endless('HTTP/1.1 200 ', 'x')],
    ['says 103 and no more', ['failed', null, 'timeout'], saying('HTTP/1.1 103 Hints\r\n\r\n')],
    ['says 103 without end', ['failed', null, 'timeout'], endless('', 'HTTP/1.1 103 Hints\r\n\r\n')],
    ['gives its body byte by byte', ['delivered', 200, 'timeout'], dripping(`${OK}\r\n`, 'x'.repeat(9999))],
    ['fails with such a body', ['failed', 500, 'http_status'], dripping('HTTP/1.1 500 No\r\n\r\n', 'xxxx')],
    ['announces more than it gives', ['delivered', 200, 'timeout'], saying(`${OK}${length(9)}\r\nhalf`)],
    ['has an endless chunk extension', ['delivered', 200, 'timeout'], endless(`${CHUNKED}5;`, 'x')],
  ])('%s is cut at the deadline: %j', async (_what, verdict, reply) => {
    const receiver = await rawReceiver(reply)
    const { record, ...outcome } = await send(receiver.url, { timeoutMs: SHORT_MS })
    expect([outcome.kind, record.status, record.errorCode]).toEqual(verdict)
    expect(record.durationMs).toBeGreaterThanOrEqual(SHORT_MS - 1)
    expect(record.durationMs).toBeLessThan(SOON_MS)
    expect(record.answer?.length ?? 0).toBeLessThanOrEqual(1024)
    await until('the connection to be closed', () => receiver.open.size === 0)
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
  ])('%s is none the worse: %j', async (_what, verdict, reply) => {
    const receiver = await rawReceiver(reply)
    const { record, ...outcome } = await send(receiver.url)
    expect([outcome.kind, record.status, record.errorCode]).toEqual(verdict)
  })

  test('redirects is not followed', async () => {
    const target = await startReceiver()
    const receiver = await startReceiver((_request, response) =>
      response.writeHead(307, { location: target.url }).end(),
    )
    const outcome = await send(receiver.url)
    expect(outcome).toMatchObject({ kind: 'failed', record: { status: 307, errorCode: 'redirect' } })
    expect(receiver.received).toHaveLength(1)
    expect(target.received).toHaveLength(0)
  })
})

describe('of an answer', () => {
  test.each([
    [0, null],
    [65_536, null],
    [65_537, 'response_incomplete'],
  ])('of %d bytes the first KiB is kept and 64 KiB are read: %j', async (bytes, errorCode) => {
    const receiver = await rawReceiver(saying(`${OK}${length(bytes)}\r\n${'x'.repeat(bytes)}`))
    const { kind, record } = await send(receiver.url)
    expect([kind, record.status, record.errorCode]).toEqual(['delivered', 200, errorCode])
    expect(record.answer === null ? '' : Buffer.from(record.answer).toString()).toBe(
      'x'.repeat(Math.min(bytes, 1024)),
    )
  })

  test('without end, no more is taken in than the buffers of the sockets hold', async () => {
    const receiver = await rawReceiver(endless(`${OK}\r\n`, 'x'.repeat(1000)))
    await send(receiver.url)
    const socket = receiver.sockets[0] as Socket
    await until('the connection to be closed', () => socket.destroyed)
    expect(socket.bytesWritten).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('without a connection', () => {
  test('because the port is closed, the attempt ends with connection_refused', async () => {
    const server = createServer()
    const port = await listen(server)
    server.close()
    await once(server, 'close')
    for (const host of ['127.0.0.1', 'localhost']) {
      const { kind, record } = await send(`http://${host}:${port}/`)
      expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'connection_refused'])
      expect(record.durationMs).toBeLessThan(SOON_MS)
    }
  })

  test('because there is no such host, the attempt ends with dns_failed', async () => {
    const { kind, record } = await send('http://nowhere.invalid/')
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'dns_failed'])
  })

  test('because making it hangs, the attempt ends with timeout and the socket with it', async () => {
    const receiver = await rawReceiver(() => {})
    const { kind, record } = await send(secure(receiver.url), { timeoutMs: SHORT_MS })
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'timeout'])
    expect(record.durationMs).toBeLessThan(SOON_MS)
    await until('the connection to be closed', () => receiver.open.size === 0)
  })

  test('yet, closing the client closes what is being opened', async () => {
    const receiver = await rawReceiver(() => {})
    const client = clientOf(secure(receiver.url))
    const attempt = client.send(delivery)
    await until('the connection', () => receiver.open.size === 1)
    attempt.interrupt()
    expect(await attempt.outcome).toMatchObject({ kind: 'interrupted', record: { errorCode: 'interrupted' } })
    await client.close()
    await until('the connection to be closed', () => receiver.open.size === 0)
  })
})

describe('over TLS', () => {
  const tls = { cert: fixture('expired-cert.pem'), key: fixture('expired-key.pem') }

  test('an expired certificate ends the attempt with tls_failed, and nothing is sent', async () => {
    let requests = 0
    const port = await listen(
      createHttpsServer(tls, (_request, response) => response.end(String(++requests))),
    )
    const { kind, record } = await send(`https://localhost:${port}/`)
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'tls_failed'])
    expect(requests).toBe(0)
  })

  test('a receiver that speaks plain HTTP ends the attempt with tls_failed', async () => {
    const port = await listen(createHttpServer((_request, response) => response.end()))
    const { kind, record } = await send(`https://127.0.0.1:${port}/`)
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'tls_failed'])
  })

  test('a receiver that closes within the handshake ends the attempt with connection_reset', async () => {
    const receiver = await rawReceiver((socket) => socket.end())
    const { kind, record } = await send(secure(receiver.url))
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'connection_reset'])
  })

  test('a receiver that wants it and is spoken to without closes: connection_reset', async () => {
    const port = await listen(createHttpsServer(tls, (_request, response) => response.end()))
    const { kind, record } = await send(`http://127.0.0.1:${port}/`)
    expect([kind, record.status, record.errorCode]).toEqual(['failed', null, 'connection_reset'])
  })
})

describe('a connection that was kept alive', () => {
  test('carries the next delivery', async () => {
    const receiver = await rawReceiver(saying(EMPTY))
    const client = clientOf(receiver.url, { concurrency: 1 })
    for (let count = 0; count < 5; count++)
      expect((await client.send(delivery).outcome).kind).toBe('delivered')
    expect(receiver.sockets).toHaveLength(1)
  })

  test('and closed by the receiver between two deliveries fails neither', async () => {
    const receiver = await rawReceiver(saying(EMPTY))
    const client = clientOf(receiver.url)
    expect((await client.send(delivery).outcome).kind).toBe('delivered')
    receiver.sockets[0]?.end()
    await until('the connection to be closed', () => receiver.open.size === 0)
    expect((await client.send(delivery).outcome).kind).toBe('delivered')
    expect(receiver.sockets).toHaveLength(2)
  })

  test('and closed in the moment of the next delivery fails that one alone', async () => {
    const receiver = await rawReceiver((socket) =>
      socket.bytesWritten === 0 ? socket.write(EMPTY) : socket.end(),
    )
    const client = clientOf(receiver.url, { concurrency: 1 })
    const codes: (string | null)[] = []
    for (let count = 0; count < 3; count++) codes.push((await client.send(delivery).outcome).record.errorCode)
    expect(codes).toEqual([null, 'connection_reset', null])
  })

  test('does not take an answer that nobody asked for as that to the next delivery', async () => {
    const FAILED = 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n'
    let requests = 0
    const receiver = await rawReceiver((socket) => socket.write(requests++ === 0 ? EMPTY + EMPTY : FAILED))
    const client = clientOf(receiver.url, { concurrency: 1 })
    expect((await client.send(delivery).outcome).record.status).toBe(200)
    expect((await client.send(delivery).outcome).record.status).toBe(500)
  })
})

test('an attempt that has ended leaves no timer behind', async () => {
  const before = timers()
  const silent = await rawReceiver(() => {})
  const slow = await rawReceiver(dripping(`${OK}\r\n`, 'x'))
  const broken = await rawReceiver((socket) => socket.resetAndDestroy())
  await send(silent.url, { timeoutMs: SHORT_MS })
  await send(secure(silent.url), { timeoutMs: SHORT_MS })
  await send(slow.url, { timeoutMs: SHORT_MS })
  await send(broken.url)
  await send('http://nowhere.invalid/')
  await until('the timers to go', () => timers() <= before)
  expect(timers()).toBeLessThanOrEqual(before)
})

const delivery: ClaimedDelivery = {
  eventSeq: 1,
  hook: 'one',
  webhookId: '6d3b3b6c-1d55-4a37-a3d2-2f1f4b1f9f0a',
  eventType: 'acs_credential.issued',
  body: '{"event_type":"acs_credential.issued"}',
  leaseToken: 1,
  attempt: 1,
  failures: 0,
  ageMs: 0,
}

/** The client of a hook that is configured as in production, closed when the test has finished. */
function clientOf(url: string, settings: Record<string, unknown> = {}): HookClient {
  const HOOKS = JSON.stringify([{ name: 'one', url, ...settings }])
  const [hook] = readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS }).hooks
  if (hook === undefined) throw new Error('no hook was read')
  const client = new HookClient(hook, systemClock)
  onTestFinished(() => client.close())
  return client
}

function send(url: string, settings?: Record<string, unknown>): Promise<Outcome> {
  return clientOf(url, settings).send(delivery).outcome
}

/** A TCP server that does this whenever bytes have come. The request is small enough to come at once. */
async function rawReceiver(reply: Reply) {
  const sockets: Socket[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.push(socket)
    open.add(socket)
    // Being cut is what is tested.
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', () => reply(socket))
  })
  const port = await listen(server)
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
  })
  return { url: `http://127.0.0.1:${port}/`, sockets, open }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

function saying(text: string): Reply {
  return (socket) => socket.write(text)
}

function ending(text: string): Reply {
  return (socket) => socket.end(text)
}

/** As much as the connection takes, for as long as there is one. */
function endless(start: string, more: string): Reply {
  const lot = more.repeat(Math.ceil(65_536 / more.length))
  return (socket) => {
    socket.write(start)
    const write = () => {
      while (socket.writable && socket.write(lot));
    }
    socket.on('drain', write)
    write()
  }
}

/** A byte now and then: always sooner than any deadline that starts anew with each. */
function dripping(start: string, rest: string): Reply {
  return (socket) => {
    let next = 0
    socket.write(start)
    const timer = setInterval(() => socket.write(rest[next++ % rest.length] ?? ''), SHORT_MS / 15)
    socket.on('close', () => clearInterval(timer))
  }
}

function length(bytes: number): string {
  return `content-length: ${bytes}\r\n`
}

function informational(answer: string): string {
  return `HTTP/1.1 102 Processing\r\n\r\n${'HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n'.repeat(20)}${answer}`
}

function switching(): string {
  return 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
}

function secure(url: string): string {
  return url.replace('http:', 'https:')
}

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
