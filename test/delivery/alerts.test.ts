import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { alertMessage } from '../../src/delivery/alert-message.ts'
import type { AlertMessage, Troubles } from '../../src/delivery/alert-message.ts'
import { Alerts } from '../../src/delivery/alerts.ts'
import type { AlertsOptions } from '../../src/delivery/alerts.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { VERSION } from '../../src/version.ts'
import type { Receiver } from '../support/receiver.ts'
import { startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
const quick = { gatherMs: 10, intervalMs: 20 }

describe('alerts', () => {
  test('that come together go out together, as one JSON POST', async () => {
    const receiver = await startReceiver()
    const { alerts, logLines } = start({ url: receiver.url, gatherMs: 50, intervalMs: HOUR_MS })
    for (let count = 1; count <= 12; count++) alerts.deadLetter('access-log', `id-${count}`)
    alerts.deadLetter('billing', 'id-13')
    alerts.breakerOpened('access-log')
    alerts.breakerOpened('access-log')
    const [request] = await receiver.hasReceived(1)
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': `seam-relay/${VERSION}`,
    })
    const [message] = messages(receiver)
    expect(message).toEqual({
      text: expect.stringMatching(
        /^seam-relay: 12 deliveries to access-log and 1 to billing became dead letters; .+ the breaker of access-log opened; /,
      ),
      dead_letters: [
        {
          hook: 'access-log',
          count: 12,
          webhook_ids: Array.from({ length: 10 }, (_, index) => `id-${index + 1}`),
        },
        { hook: 'billing', count: 1, webhook_ids: ['id-13'] },
      ],
      breakers_opened: ['access-log'],
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    await alerts.stop()
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toEqual([])
  })

  test('that follow one within the interval wait for its end, and the stop sends them', async () => {
    const receiver = await startReceiver()
    const { alerts } = start({ url: receiver.url, gatherMs: 1, intervalMs: HOUR_MS })
    alerts.deadLetter('one', 'first')
    await receiver.hasReceived(1)
    for (let count = 0; count < 5000; count++) alerts.deadLetter('one', `later-${count}`)
    await alerts.stop()
    expect(messages(receiver).map(({ dead_letters }) => dead_letters[0]?.count)).toEqual([1, 5000])
  })

  test('go on after the interval by themselves', async () => {
    const receiver = await startReceiver()
    const { alerts } = start({ url: receiver.url, ...quick })
    for (let count = 1; count <= 3; count++) {
      alerts.breakerOpened(`hook-${count}`)
      await receiver.hasReceived(count)
    }
    expect(messages(receiver).map(({ breakers_opened }) => breakers_opened)).toEqual([
      ['hook-1'],
      ['hook-2'],
      ['hook-3'],
    ])
  })

  test('without a URL are nothing', async () => {
    const { alerts, logLines } = start({ url: undefined, ...quick })
    alerts.deadLetter('one', 'id')
    alerts.breakerOpened('one')
    await alerts.stop()
    expect(logLines).toEqual([])
  })

  test('that nobody asks for are not sent at the stop', async () => {
    const receiver = await startReceiver()
    const { alerts } = start({ url: receiver.url })
    await alerts.stop()
    await alerts.stop()
    expect(receiver.received).toEqual([])
  })
})

describe('an alert that fails', () => {
  test.each([500, 302, 404])('with %d goes with the next, its counts kept, and is logged', async (status) => {
    const receiver = await startReceiver(status)
    const { alerts, logLines } = start({ url: `${receiver.url}?token=hunter2`, gatherMs: 1 })
    for (let count = 0; count < 8; count++) alerts.deadLetter('one', `old-${count}`)
    alerts.breakerOpened('one')
    await until('the failure to be logged', () => logLines.length > 0)
    for (let count = 0; count < 8; count++) alerts.deadLetter('one', `new-${count}`)
    alerts.deadLetter('two', 'new')
    alerts.breakerOpened('two')
    receiver.behaviour = 200
    await alerts.stop()
    const last = messages(receiver).at(-1)
    expect(last?.dead_letters).toEqual([
      {
        hook: 'one',
        count: 16,
        webhook_ids: [...Array.from({ length: 8 }, (_, index) => `old-${index}`), 'new-0', 'new-1'],
      },
      { hook: 'two', count: 1, webhook_ids: ['new'] },
    ])
    expect(last?.breakers_opened).toEqual(['one', 'two'])
    expect(logLines[0]).toMatchObject({ level: 40, code: 'http_status', status })
    expect(JSON.stringify(logLines)).not.toContain('hunter2')
  })

  test('is tried again without another one', async () => {
    const receiver = await startReceiver(503)
    const { alerts } = start({ url: receiver.url, ...quick })
    alerts.deadLetter('one', 'id')
    await receiver.hasReceived(3)
    const [first, ...others] = messages(receiver).map(({ dead_letters }) => dead_letters)
    for (const other of others) expect(other).toEqual(first)
  })

  test('because nobody listens is logged with its code', async () => {
    const { alerts, logLines } = start({ url: 'http://nowhere.invalid/', ...quick })
    alerts.deadLetter('one', 'id')
    await until('the failure to be logged', () => logLines.length > 0)
    expect(logLines[0]).toMatchObject({ level: 40, code: 'dns_failed', status: null })
  })

  test('at the stop is lost, and the stop ends all the same', async () => {
    const receiver = await startReceiver(500)
    const { alerts, logLines } = start({ url: receiver.url })
    alerts.deadLetter('one', 'id')
    await alerts.stop()
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toMatchObject([{ code: 'http_status', status: 500 }])
  })

  test('because the receiver never answers holds the stop up for two seconds and no more', async () => {
    const receiver = await startReceiver(() => {})
    const { alerts, logLines } = start({ url: receiver.url, gatherMs: 1 })
    alerts.deadLetter('one', 'id')
    await receiver.hasReceived(1)
    const startedAt = performance.now()
    await alerts.stop()
    expect(performance.now() - startedAt).toBeLessThan(8000)
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toMatchObject([{ code: 'timeout' }])
  })
})

test('an alert that is taken is sent, however endless the answer', async () => {
  const answer = 'HTTP/1.1 200 OK\r\n\r\n'
  let connections = 0
  let open = 0
  const server = createServer((socket) => {
    connections++
    open++
    socket.on('error', () => {})
    socket.on('close', () => open--)
    socket.once('data', () => {
      const write = () => {
        while (socket.writable && socket.write('x'.repeat(65_536)));
      }
      socket.on('drain', write).write(answer)
      write()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const { alerts, logLines } = start({ url })
  alerts.deadLetter('one', 'id')
  await alerts.stop()
  await until('the connection to be closed', () => connections === 1 && open === 0)
  expect(logLines).toEqual([])
})

describe('the text', () => {
  const at = new Date('2026-03-01T10:00:00Z')
  const [REPLAY, WAIT] = ['nothing is lost: find out why', 'deliveries wait and go on by themselves']

  test.each<[string, Record<string, number>, string[]]>([
    ['1 delivery to one became a dead letter;', { one: 1 }, []],
    ['2 deliveries to one became dead letters;', { one: 2 }, []],
    ['1 delivery to one and 1 to two became dead letters;', { one: 1, two: 1 }, []],
    ['5 deliveries to one, 4 to two and 3 to three became dead letters;', { one: 5, two: 4, three: 3 }, []],
    ['the breaker of one opened; see whether its receiver', {}, ['one']],
    ['the breakers of one and two opened; see whether their receivers', {}, ['one', 'two']],
  ])('says: %s', (beginning, counts, breakers) => {
    const { text } = alertMessage(troubles(counts, breakers), at)
    expect(text.startsWith(`seam-relay: ${beginning}`)).toBe(true)
    expect(text.includes(REPLAY)).toBe(Object.keys(counts).length > 0)
    expect(text.includes(WAIT)).toBe(breakers.length > 0)
  })

  test('names ten hooks and counts the others; the lists name all', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `hook-${index}`)
    const message = alertMessage(troubles(Object.fromEntries(names.map((name) => [name, 1])), names), at)
    expect(message.text).toContain('1 to hook-9 and 990 other hooks became dead letters')
    expect(message.text).toContain('hook-9 and 990 other hooks opened')
    expect(message.text.length).toBeLessThan(1000)
    expect(message.dead_letters).toHaveLength(1000)
    expect(message.breakers_opened).toHaveLength(1000)
  })

  function troubles(counts: Record<string, number>, breakers: string[]): Troubles {
    const deadLetters: Troubles['deadLetters'] = new Map()
    for (const [hook, count] of Object.entries(counts)) deadLetters.set(hook, { count, webhookIds: [] })
    return { deadLetters, breakersOpened: new Set(breakers) }
  }
})

function start(options: Omit<AlertsOptions, 'log'>) {
  const logLines: Record<string, unknown>[] = []
  const log = createLogger('trace', {
    write: (line) => void logLines.push(JSON.parse(line) as Record<string, unknown>),
  })
  const alerts = new Alerts({ ...options, log })
  onTestFinished(() => alerts.stop())
  return { alerts, logLines }
}

function messages(receiver: Receiver): AlertMessage[] {
  return receiver.received.map(({ body }) => JSON.parse(body) as AlertMessage)
}

test('the relay announces a dead letter and an opened breaker at ALERT_URL', async () => {
  const [announced, gone] = [await startReceiver(), await startReceiver(410)]
  const failing = await startReceiver(500)
  const HOOKS = JSON.stringify([
    { name: 'gone', url: gone.url },
    { name: 'failing', url: failing.url, breaker: { failures: 1, cooldownMs: 600_000 } },
  ])
  const relay = await startRelay({ HOOKS, ALERT_URL: announced.url })
  const event = credentialEvent()
  await relay.send(event)
  const [message] = await announced.hasReceived(1)
  expect(JSON.parse(message?.body ?? '')).toMatchObject({
    text: expect.stringContaining('seam-relay'),
    dead_letters: [{ hook: 'gone', count: 1, webhook_ids: [event.event_id] }],
    breakers_opened: ['failing'],
  })
})
