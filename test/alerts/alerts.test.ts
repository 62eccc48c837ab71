import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Alerts } from '../../src/alerts/alerts.ts'
import type { AlertMessage } from '../../src/alerts/alert-message.ts'
import type { OverviewInBrief } from '../../src/alerts/overview-in-time.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { VERSION } from '../../src/version.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { Receiver } from '../support/receiver.ts'
import { startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
const OVERVIEW: OverviewInBrief = { verdict: 'act', sentence: '12 deliveries to access-log were given up.' }

describe('alerts', () => {
  test('that come within a second go out as one JSON POST', async () => {
    const receiver = await startReceiver()
    const { alerts, clock, logLines } = start(receiver.url)
    for (let count = 1; count <= 12; count++) alerts.deadLetter('access-log', `id-${count}`)
    clock.advance(SECOND_MS / 2)
    alerts.deadLetter('billing', 'id-13')
    alerts.breakerOpened('access-log')
    alerts.breakerOpened('access-log')
    clock.advance(SECOND_MS / 2)
    const [request] = await receiver.hasReceived(1)
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': `seam-relay/${VERSION}`,
    })
    const [message] = messages(receiver)
    expect(message).toEqual({
      text: expect.stringMatching(
        /^seam-relay: 12 deliveries to access-log and 1 to billing became dead letters; .+ the breaker of access-log opened: /,
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
      quarantined: { misfits: 0, conflicts: 0, ids: [], since: null },
      missed: [],
      gaps: [],
      overview: OVERVIEW,
      at: new Date(clock.wallMs()).toISOString(),
    })
    await alerts.stop()
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toEqual([])
  })

  test('that follow a message within the same minute wait for its end and share the next one', async () => {
    const receiver = await startReceiver()
    const { alerts, clock } = start(receiver.url)
    alerts.breakerOpened('first')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    await until('the first message to be taken', () => clock.timers === 0)
    alerts.breakerOpened('second')
    await until('the next message to have its time', () => clock.timers === 1)
    clock.advance(MINUTE_MS - 1)
    alerts.breakerOpened('third')
    clock.advance(1)
    await receiver.hasReceived(2)
    expect(messages(receiver).map(({ breakers_opened }) => breakers_opened)).toEqual([
      ['first'],
      ['second', 'third'],
    ])
  })

  test('that still wait when the relay stops are sent by the stop', async () => {
    const receiver = await startReceiver()
    const { alerts, clock } = start(receiver.url)
    alerts.deadLetter('one', 'first')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    for (let count = 0; count < 5000; count++) alerts.deadLetter('one', `later-${count}`)
    await alerts.stop()
    expect(messages(receiver).map(({ dead_letters }) => dead_letters[0]?.count)).toEqual([1, 5000])
  })

  test('are not sent by a stop that has nothing to tell', async () => {
    const receiver = await startReceiver()
    const { alerts } = start(receiver.url)
    await alerts.stop()
    await alerts.stop()
    expect(receiver.received).toEqual([])
  })
})

describe("the overview's sentence", () => {
  test('is asked for with each message, and stands in it and in its text', async () => {
    const receiver = await startReceiver()
    let asked = 0
    const { alerts, clock } = start(receiver.url, async () => ({
      ...OVERVIEW,
      sentence: `Asked ${++asked}.`,
    }))
    alerts.breakerOpened('one')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    await until('the first message to be taken', () => clock.timers === 0)
    alerts.breakerOpened('one')
    clock.advance(MINUTE_MS)
    await receiver.hasReceived(2)
    for (const [index, { text, overview }] of messages(receiver).entries()) {
      expect(overview).toEqual({ verdict: 'act', sentence: `Asked ${index + 1}.` })
      expect(text).toMatch(new RegExp(` Overview: Asked ${index + 1}\\.$`))
    }
  })

  test('is left out where the store cannot be asked, and the log says why', async () => {
    const receiver = await startReceiver()
    const { alerts, clock, logLines } = start(receiver.url, () => Promise.reject(new Error('no store')))
    alerts.breakerOpened('one')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    expect(messages(receiver)).toMatchObject([{ overview: null, breakers_opened: ['one'] }])
    expect(messages(receiver)[0]?.text).not.toContain('Overview')
    expect(logLines).toMatchObject([{ level: 40, err: { message: 'no store' } }])
  })

  test('is waited for three seconds, and what comes up meanwhile goes into the same message', async () => {
    const receiver = await startReceiver()
    const { alerts, clock, logLines } = start(receiver.url, () => new Promise(() => {}))
    alerts.breakerOpened('one')
    clock.advance(SECOND_MS)
    alerts.breakerOpened('two')
    clock.advance(3 * SECOND_MS - 1)
    expect(receiver.received).toEqual([])
    clock.advance(1)
    await receiver.hasReceived(1)
    expect(messages(receiver)).toMatchObject([{ overview: null, breakers_opened: ['one', 'two'] }])
    expect(logLines).toMatchObject([{ level: 40, code: 'timeout' }])
  })

  test('that never comes does not keep a stop from sending the last message', async () => {
    const receiver = await startReceiver()
    const { alerts, clock } = start(receiver.url, () => new Promise(() => {}))
    alerts.breakerOpened('one')
    const stopped = alerts.stop()
    clock.advance(SECOND_MS)
    await stopped
    expect(messages(receiver)).toMatchObject([{ overview: null, breakers_opened: ['one'] }])
  })
})

describe('quarantined bodies', () => {
  test('of a flood are one message a minute, with counts and the ids of the first ten', async () => {
    const receiver = await startReceiver()
    const { alerts, clock } = start(receiver.url)
    const firstAt = new Date(clock.wallMs()).toISOString()
    alerts.quarantined('misfit', 'id-0')
    clock.advance(SECOND_MS / 2)
    for (let n = 1; n < 20; n++) alerts.quarantined('misfit', `id-${n}`)
    for (let n = 20; n < 23; n++) alerts.quarantined('conflict', `id-${n}`)
    clock.advance(SECOND_MS / 2)
    await receiver.hasReceived(1)
    const ids = Array.from({ length: 10 }, (_, n) => `id-${n}`)
    expect(messages(receiver)[0]).toMatchObject({
      text: expect.stringMatching(/^seam-relay: 23 signed webhooks were set aside in quarantine since /),
      quarantined: { misfits: 20, conflicts: 3, ids, since: firstAt },
    })
    await until('the first message to be taken', () => clock.timers === 0)
    for (let n = 0; n < 5000; n++) alerts.quarantined('misfit', `later-${n}`)
    await until('the next message to have its time', () => clock.timers === 1)
    clock.advance(MINUTE_MS - 1)
    for (let n = 0; n < 5000; n++) alerts.quarantined('misfit', `latest-${n}`)
    expect(receiver.received).toHaveLength(1)
    clock.advance(1)
    await receiver.hasReceived(2)
    expect(messages(receiver)[1]?.quarantined).toMatchObject({ misfits: 10_000, conflicts: 0 })
  })

  test('of a message that is not taken go into the next, with the time of the first', async () => {
    const receiver = await startReceiver(500)
    const { alerts, clock, logLines } = start(receiver.url)
    const since = new Date(clock.wallMs()).toISOString()
    for (let n = 0; n < 8; n++) alerts.quarantined('misfit', `old-${n}`)
    clock.advance(SECOND_MS)
    await until('the failure to be logged', () => logLines.length > 0)
    for (let n = 0; n < 8; n++) alerts.quarantined('conflict', `new-${n}`)
    receiver.behaviour = 200
    await alerts.stop()
    expect(messages(receiver).at(-1)?.quarantined).toEqual({
      misfits: 8,
      conflicts: 8,
      ids: [...Array.from({ length: 8 }, (_, n) => `old-${n}`), 'new-0', 'new-1'],
      since,
    })
  })
})

describe('an alert that is not taken', () => {
  test.each([500, 302, 404])(
    'because of status %d is logged and goes into the next, with its counts',
    async (status) => {
      const receiver = await startReceiver(status)
      const { alerts, clock, logLines } = start(`${receiver.url}?token=hunter2`)
      for (let count = 0; count < 8; count++) alerts.deadLetter('one', `old-${count}`)
      alerts.breakerOpened('one')
      clock.advance(SECOND_MS)
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
    },
  )

  test('is sent again a minute later, also where nothing new has come up', async () => {
    const receiver = await startReceiver(503)
    const { alerts, clock, logLines } = start(receiver.url)
    alerts.deadLetter('one', 'id')
    clock.advance(SECOND_MS)
    for (let count = 1; count <= 3; count++) {
      await until('the failure to be logged', () => logLines.length === count)
      clock.advance(MINUTE_MS)
    }
    await receiver.hasReceived(4)
    const [first, ...others] = messages(receiver).map(({ dead_letters }) => dead_letters)
    for (const other of others) expect(other).toEqual(first)
  })

  test('because its host is unknown is logged with that code', async () => {
    const { alerts, clock, logLines } = start('http://nowhere.invalid/')
    alerts.deadLetter('one', 'id')
    clock.advance(SECOND_MS)
    await until('the failure to be logged', () => logLines.length > 0)
    expect(logLines[0]).toMatchObject({ level: 40, code: 'dns_failed', status: null })
  })

  test('within ten seconds is given up and logged as a time-out', async () => {
    const receiver = await startReceiver(() => {})
    const { alerts, clock, logLines } = start(receiver.url)
    alerts.deadLetter('one', 'id')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    clock.advance(9999)
    expect(logLines).toEqual([])
    clock.advance(1)
    await until('the failure to be logged', () => logLines.length > 0)
    expect(logLines).toMatchObject([{ code: 'timeout', status: null }])
  })

  test('during the stop is lost, and the stop ends all the same', async () => {
    const receiver = await startReceiver(500)
    const { alerts, logLines } = start(receiver.url)
    alerts.deadLetter('one', 'id')
    await alerts.stop()
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toMatchObject([{ code: 'http_status', status: 500 }])
  })

  test('by a receiver that never answers holds the stop up for two seconds and no longer', async () => {
    const receiver = await startReceiver(() => {})
    const { alerts, clock, logLines } = start(receiver.url)
    alerts.deadLetter('one', 'id')
    clock.advance(SECOND_MS)
    await receiver.hasReceived(1)
    const stopped = alerts.stop()
    clock.advance(1999)
    expect(logLines).toEqual([])
    clock.advance(1)
    await stopped
    expect(receiver.received).toHaveLength(1)
    expect(logLines).toMatchObject([{ code: 'timeout' }])
  })
})

test('an alert whose answer never ends counts as taken, and its connection is closed', async () => {
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
  const { alerts, logLines } = start(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  alerts.deadLetter('one', 'id')
  await alerts.stop()
  await until('the connection to be closed', () => connections === 1 && open === 0)
  expect(logLines).toEqual([])
})

test('the relay posts a dead letter and an opened breaker to ALERT_URL', async () => {
  const [announced, gone] = [await startReceiver(), await startReceiver(410)]
  const failing = await startReceiver(500)
  const HOOKS = JSON.stringify([
    { name: 'gone', url: gone.url },
    { name: 'failing', url: failing.url, breaker: { failures: 1, cooldownMs: 600_000 } },
  ])
  const relay = await startRelay({ HOOKS, ALERT_URL: announced.url })
  // The first reading starts the reader, which may take longer than an alert waits.
  await relay.metrics()
  const event = credentialEvent()
  await relay.send(event)
  const [message] = await announced.hasReceived(1)
  expect(JSON.parse(message?.body ?? '')).toMatchObject({
    text: expect.stringContaining('seam-relay'),
    dead_letters: [{ hook: 'gone', count: 1, webhook_ids: [event.event_id] }],
    breakers_opened: ['failing'],
    overview: {
      verdict: 'act',
      sentence: expect.stringMatching(
        /^1 delivery to gone is a dead letter since .+ One more thing needs a look\.$/,
      ),
    },
  })
})

test('an alert says what the overview says, also where the statistics of metrics are some seconds old', async () => {
  const [announced, gone] = [await startReceiver(), await startReceiver(410)]
  const HOOKS = JSON.stringify([{ name: 'gone', url: gone.url }])
  const relay = await startRelay({ HOOKS, ALERT_URL: announced.url })
  expect(await relay.metric('seam_relay_deliveries_dead', { hook: 'gone' })).toBe(0)
  await relay.send(credentialEvent())
  await announced.hasReceived(1)
  expect(messages(announced)).toMatchObject([{ overview: { verdict: 'act' } }])
})

test('the relay posts what it sets aside to ALERT_URL, by the ids that Seam was answered with, and no payload', async () => {
  const announced = await startReceiver()
  const relay = await startRelay({ ALERT_URL: announced.url })
  const event = credentialEvent()
  await relay.send(event)
  const answers = [
    await relay.send({ ...event, acs_credential_id: 'hunter2' }),
    await relay.send({ ...event, acs_credential_id: randomUUID() }),
    await relay.send('not JSON: hunter2'),
  ]
  expect(answers.map(({ body }) => body['status'])).toEqual(answers.map(() => 'quarantined'))
  await until(
    'all three to be announced',
    () => countsOf(announced).misfits + countsOf(announced).conflicts === 3,
  )
  expect(countsOf(announced)).toEqual({ misfits: 2, conflicts: 1 })
  const [first] = messages(announced)
  expect(answers.map(({ body }) => body['id'])).toEqual(expect.arrayContaining(first?.quarantined.ids ?? []))
  expect(JSON.stringify(messages(announced))).not.toContain('hunter2')
})

function countsOf(receiver: Receiver): { misfits: number; conflicts: number } {
  const counts = { misfits: 0, conflicts: 0 }
  for (const { quarantined } of messages(receiver)) {
    counts.misfits += quarantined.misfits
    counts.conflicts += quarantined.conflicts
  }
  return counts
}

/** Alerts with the times of production, on a clock that the test moves. */
function start(url: string, overview: () => Promise<OverviewInBrief> = async () => OVERVIEW) {
  const logLines: Record<string, unknown>[] = []
  const log = createLogger('trace', {
    write: (line) => void logLines.push(JSON.parse(line) as Record<string, unknown>),
  })
  const clock = new ManualClock()
  const alerts = new Alerts({ url, overview, log, clock })
  onTestFinished(async () => {
    const stopped = alerts.stop()
    // Where the receiver never answers, the stop waits for the clock.
    clock.advance(2 * SECOND_MS)
    await stopped
  })
  return { alerts, clock, logLines }
}

function messages(receiver: Receiver): AlertMessage[] {
  return receiver.received.map(({ body }) => JSON.parse(body) as AlertMessage)
}
